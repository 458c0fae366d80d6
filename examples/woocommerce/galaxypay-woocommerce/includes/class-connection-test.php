<?php
/**
 * The test in the settings.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Tells what is wrong with the way to the gateway and back.
 */
class Connection_Test {

	const ACTION = 'galaxypay_test';

	/**
	 * Hooks.
	 */
	public static function listen() {
		add_action( 'admin_post_' . self::ACTION, array( __CLASS__, 'run' ) );
	}

	/**
	 * Address of the test, with its nonce.
	 *
	 * @return string
	 */
	public static function address() {
		return wp_nonce_url( admin_url( 'admin-post.php?action=' . self::ACTION ), self::ACTION );
	}

	/**
	 * Runs the test and goes back to the settings, which show the result.
	 */
	public static function run() {
		if ( ! current_user_can( 'manage_woocommerce' ) ) {
			wp_die( esc_html__( 'You may not do this.', 'galaxypay-woocommerce' ), 403 );
		}
		check_admin_referer( self::ACTION );
		set_transient( self::ACTION . get_current_user_id(), array( self::gateway(), self::callback() ), 60 );
		wp_safe_redirect( admin_url( 'admin.php?page=wc-settings&tab=checkout&section=galaxypay' ) );
		exit;
	}

	/**
	 * The results of the last test, once.
	 *
	 * @return string[]
	 */
	public static function results() {
		$name    = self::ACTION . get_current_user_id();
		$results = get_transient( $name );
		delete_transient( $name );
		return is_array( $results ) ? $results : array();
	}

	/**
	 * Asks the gateway about a transaction that does not exist. Its refusal proves that address, key and salt are right.
	 *
	 * @return string
	 */
	public static function gateway() {
		$answer = Sidecar::call( 'query', array( 'transactionID' => '0' ) );
		if ( 'sidecar_unreachable' === $answer->code ) {
			/* translators: %s: address */
			return sprintf( __( 'Nothing answers at %s. Is the sidecar running, and is this its address?', 'galaxypay-woocommerce' ), Settings::sidecar() );
		}
		if ( 'caller_not_allowed' === $answer->code ) {
			return __( 'The sidecar does not take calls from this machine. Add its address to "allow" in the Caddyfile.', 'galaxypay-woocommerce' );
		}
		if ( 'gateway_unauthorized' === $answer->code ) {
			return __( 'The sidecar runs, but Galaxy Pay does not accept its key pair. Check api_key and salt.', 'galaxypay-woocommerce' );
		}
		if ( $answer->is_ok() || 'rejected' === $answer->outcome ) {
			return __( 'Good: the sidecar runs, and Galaxy Pay accepts its key pair.', 'galaxypay-woocommerce' );
		}
		/* translators: %s: what the sidecar says */
		return sprintf( __( 'The way to Galaxy Pay does not work: %s', 'galaxypay-woocommerce' ), $answer->reason() );
	}

	/**
	 * Posts a message without a proof to the address of IPNs. The sidecar must refuse it.
	 *
	 * @return string
	 */
	public static function callback() {
		$address  = Settings::callback( 'ipn' );
		$response = wp_remote_post(
			$address,
			array(
				'headers'     => array( 'Content-Type' => 'application/json' ),
				'body'        => '{}',
				'timeout'     => 15,
				'redirection' => 0,
			)
		);
		if ( is_wp_error( $response ) ) {
			/* translators: 1: address, 2: reason */
			return sprintf( __( 'The address for IPNs, %1$s, cannot be reached from this machine: %2$s. Check that it can be reached from the internet.', 'galaxypay-woocommerce' ), $address, $response->get_error_message() );
		}
		$body = json_decode( wp_remote_retrieve_body( $response ), true );
		$code = is_array( $body ) && isset( $body['code'] ) ? $body['code'] : '';
		if ( in_array( $code, array( 'signature_invalid', 'callback_malformed' ), true ) ) {
			/* translators: %s: address */
			return sprintf( __( 'Good: the sidecar guards the address for IPNs, %s.', 'galaxypay-woocommerce' ), $address );
		}
		/* translators: 1: address, 2: number */
		return sprintf( __( 'The sidecar does not guard the address for IPNs, %1$s (HTTP %2$d). Compare the Caddyfile with the one of the example.', 'galaxypay-woocommerce' ), $address, (int) wp_remote_retrieve_response_code( $response ) );
	}
}
