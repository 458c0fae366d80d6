<?php
/**
 * What only a person can settle.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Tells the merchant, by a note on the order and by mail.
 */
class Merchant {

	/**
	 * A note, an error in the log, and a mail.
	 *
	 * @param \WC_Order $order The order.
	 * @param string    $text  What to look at.
	 */
	public static function tell( $order, $text ) {
		$order->add_order_note( $text );
		Log::error( $text, array( 'order' => $order->get_id() ) );
		/* translators: %s: number of the order */
		$subject = sprintf( __( 'Galaxy Pay: please look at order %s', 'galaxypay-woocommerce' ), $order->get_order_number() );
		wp_mail( get_option( 'admin_email' ), $subject, $text . "\n\n" . $order->get_edit_order_url() );
	}

	/**
	 * The same, and the order waits for the merchant. A paid order keeps its status.
	 *
	 * @param \WC_Order $order The order.
	 * @param string    $text  What to look at.
	 */
	public static function hold( $order, $text ) {
		self::tell( $order, $text );
		if ( ! $order->get_date_paid() && ! $order->has_status( array( 'refunded', 'on-hold' ) ) ) {
			$order->set_status( 'on-hold' );
		}
	}
}
