<?php
/**
 * The page for customers whose payment is not settled yet.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Says that the bank's word is awaited. It is shown to holders of the order's key, and goes by the order alone.
 */
class Waiting_Page {

	const PARAMETER = 'galaxypay_wait';

	/**
	 * Hooks.
	 */
	public static function listen() {
		add_action( 'template_redirect', array( __CLASS__, 'show' ) );
	}

	/**
	 * Address of the page of an order.
	 *
	 * @param \WC_Order $order The order.
	 * @return string
	 */
	public static function address( $order ) {
		return add_query_arg(
			array(
				self::PARAMETER => $order->get_id(),
				'key'           => $order->get_order_key(),
			),
			home_url( '/' )
		);
	}

	/**
	 * The order whose key the visitor has.
	 *
	 * @param mixed $id  Id of the order.
	 * @param mixed $key Key of the order.
	 * @return \WC_Order|null
	 */
	public static function order( $id, $key ) {
		$order = is_scalar( $id ) && is_string( $key ) && '' !== $key ? wc_get_order( absint( $id ) ) : null;
		return $order instanceof \WC_Order && hash_equals( $order->get_order_key(), $key ) ? $order : null;
	}

	/**
	 * What the customer may know: paid, over or waiting.
	 *
	 * @param \WC_Order $order The order.
	 * @return string
	 */
	public static function status( $order ) {
		if ( $order->get_date_paid() ) {
			return 'paid';
		}
		return Attempts::may_be_paid( Attempts::last( $order ) ) || $order->has_status( 'on-hold' ) ? 'waiting' : 'over';
	}

	/**
	 * Where the customer of an order goes on.
	 *
	 * Not to the page of a received order before it is paid: that page empties the cart.
	 *
	 * @param \WC_Order $order The order.
	 * @return string
	 */
	public static function next( $order ) {
		$addresses = array(
			'paid'    => $order->get_checkout_order_received_url(),
			'over'    => $order->get_checkout_payment_url(),
			'waiting' => self::address( $order ),
		);
		return $addresses[ self::status( $order ) ];
	}

	/**
	 * Shows the page, or sends the customer on.
	 */
	public static function show() {
		// phpcs:disable WordPress.Security.NonceVerification.Recommended -- The order's key is the proof; nothing is changed.
		if ( ! isset( $_GET[ self::PARAMETER ] ) ) {
			return;
		}
		$key   = isset( $_GET['key'] ) ? wc_clean( wp_unslash( $_GET['key'] ) ) : '';
		$order = self::order( absint( wp_unslash( $_GET[ self::PARAMETER ] ) ), $key );
		// phpcs:enable
		nocache_headers();
		if ( null === $order ) {
			wp_safe_redirect( wc_get_page_permalink( 'myaccount' ) );
			exit;
		}
		if ( 'waiting' !== self::status( $order ) ) {
			wp_safe_redirect( self::next( $order ), 303 );
			exit;
		}
		self::page( $order );
		exit;
	}

	/**
	 * A page of its own, so that no theme can break it.
	 *
	 * @param \WC_Order $order The order.
	 */
	private static function page( $order ) {
		$poll = add_query_arg(
			array(
				'order' => $order->get_id(),
				'key'   => $order->get_order_key(),
			),
			rest_url( 'galaxypay/v1/status' )
		);
		wp_register_script( 'galaxypay-wait', plugins_url( 'assets/wait.js', GALAXYPAY_WOOCOMMERCE_FILE ), array(), GALAXYPAY_WOOCOMMERCE_VERSION, true );
		?>
<!DOCTYPE html>
<html <?php language_attributes(); ?>>
<head>
<meta charset="<?php bloginfo( 'charset' ); ?>">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title><?php esc_html_e( 'We are waiting for your bank', 'galaxypay-woocommerce' ); ?></title>
<style>body{font:1.1em/1.5 sans-serif;max-width:34em;margin:4em auto;padding:0 1em}</style>
<noscript><meta http-equiv="refresh" content="10"></noscript>
</head>
<body>
<main id="galaxypay-wait" data-poll="<?php echo esc_url( $poll ); ?>">
<h1><?php esc_html_e( 'We are waiting for your bank', 'galaxypay-woocommerce' ); ?></h1>
<p role="status" data-later="<?php esc_attr_e( 'It takes longer than usual. You can close this page. We send an e-mail as soon as the payment has arrived.', 'galaxypay-woocommerce' ); ?>">
		<?php
		/* translators: %s: number of the order */
		echo esc_html( sprintf( __( 'We are confirming the payment of order %s. You do not need to pay again.', 'galaxypay-woocommerce' ), $order->get_order_number() ) );
		?>
</p>
</main>
		<?php wp_print_scripts( array( 'galaxypay-wait' ) ); ?>
</body>
</html>
		<?php
	}
}
