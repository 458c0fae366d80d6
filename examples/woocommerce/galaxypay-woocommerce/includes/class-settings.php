<?php
/**
 * What the merchant has set.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Reads the settings without the gateway object, which does not exist in every request.
 */
class Settings {

	const GATEWAY = 'galaxypay';
	const OPTION  = 'woocommerce_galaxypay_settings';

	/**
	 * One setting.
	 *
	 * @param string $name     Name of the setting.
	 * @param string $fallback Value where nothing is set.
	 * @return string
	 */
	public static function get( $name, $fallback = '' ) {
		$all = get_option( self::OPTION, array() );
		return is_array( $all ) && isset( $all[ $name ] ) && '' !== $all[ $name ] ? (string) $all[ $name ] : $fallback;
	}

	/**
	 * Address of the sidecar, without a slash at the end.
	 *
	 * The name localhost, not 127.0.0.1: WordPress sends that through a configured proxy, and WP_HTTP_BLOCK_EXTERNAL stops it.
	 *
	 * @return string
	 */
	public static function sidecar() {
		return untrailingslashit( self::get( 'sidecar', 'http://localhost:9180' ) );
	}

	/**
	 * What stands in front of every order id, so that two shops of one merchant never have the same one.
	 *
	 * @return string
	 */
	public static function prefix() {
		$prefix = self::get( 'prefix' );
		if ( '' !== $prefix ) {
			return $prefix;
		}
		$made = get_option( 'galaxypay_shop_prefix', '' );
		if ( '' === $made ) {
			add_option( 'galaxypay_shop_prefix', 'WC' . strtoupper( wp_generate_password( 4, false ) ) );
			$made = get_option( 'galaxypay_shop_prefix' );
		}
		return $made;
	}

	/**
	 * A public address of this shop that goes through the sidecar.
	 *
	 * From the option and not from home_url(), to which language plugins add a prefix.
	 *
	 * @param string $name Either ipn or result.
	 * @return string
	 */
	public static function callback( $name ) {
		return untrailingslashit( set_url_scheme( get_option( 'home' ) ) ) . '/galaxypay/' . $name;
	}

	/**
	 * Amounts are sent in these currencies: code and digits after the point.
	 *
	 * @return array
	 */
	public static function currencies() {
		/**
		 * Currencies that the merchant's contract allows.
		 *
		 * @param array $currencies Code and the most digits after the point.
		 */
		return apply_filters( 'galaxypay_currencies', array( 'VND' => 0 ) );
	}
}
