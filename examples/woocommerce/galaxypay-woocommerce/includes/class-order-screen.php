<?php
/**
 * The order's screen.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Order actions of the merchant, and notes on what a hand-set status does not do. WooCommerce checks the nonce and the rights.
 */
class Order_Screen {

	/**
	 * Hooks.
	 */
	public static function listen() {
		add_filter( 'woocommerce_order_actions', array( __CLASS__, 'actions' ), 10, 2 );
		add_action( 'woocommerce_order_action_galaxypay_ask', array( __CLASS__, 'ask' ) );
		add_action( 'woocommerce_order_action_galaxypay_give_up', array( __CLASS__, 'give_up' ) );
		add_action( 'woocommerce_order_status_refunded', array( __CLASS__, 'set_by_hand' ), 20, 2 );
		add_action( 'woocommerce_order_status_cancelled', array( __CLASS__, 'set_by_hand' ), 20, 2 );
	}

	/**
	 * Actions that make sense now.
	 *
	 * @param array          $actions Names and texts.
	 * @param \WC_Order|null $order   The order; old versions of WooCommerce do not give it.
	 * @return array
	 */
	public static function actions( $actions, $order = null ) {
		global $theorder;
		$order = $order instanceof \WC_Order ? $order : $theorder;
		$last  = $order instanceof \WC_Order ? Attempts::last( $order ) : null;
		if ( null === $last ) {
			return $actions;
		}
		if ( 'open' === $last['state'] ) {
			$actions['galaxypay_ask'] = __( 'Ask Galaxy Pay about the payment', 'galaxypay-woocommerce' );
		}
		if ( in_array( $last['state'], array( 'unknown', 'sending' ), true ) ) {
			$actions['galaxypay_give_up'] = __( 'Galaxy Pay has no such payment: allow another attempt', 'galaxypay-woocommerce' );
		}
		return $actions;
	}

	/**
	 * Asks the gateway.
	 *
	 * @param \WC_Order $order The order.
	 */
	public static function ask( $order ) {
		try {
			Questions::ask( $order->get_id() );
		} catch ( Busy $busy ) {
			$order->add_order_note( $busy->getMessage() );
		}
	}

	/**
	 * Ends an attempt of unknown outcome, after a person has looked.
	 *
	 * @param \WC_Order $order The order.
	 * @throws Busy Where the order is locked for too long.
	 */
	public static function give_up( $order ) {
		$lock = Lock::take( $order->get_id() );
		try {
			$order = Orders::fresh( $order->get_id() );
			$last  = Attempts::last( $order );
			if ( null !== $last && in_array( $last['state'], array( 'unknown', 'sending' ), true ) ) {
				$last['state'] = 'dead';
				Attempts::keep( $order, $last );
				/* translators: %s: id of the attempt */
				$order->add_order_note( sprintf( __( 'Attempt %s was given up by hand. The customer may pay again.', 'galaxypay-woocommerce' ), $last['id'] ), 0, true );
				$order->save();
			}
		} finally {
			$lock->release();
		}
	}

	/**
	 * A status set by hand moves no money. The order says so.
	 *
	 * @param int       $order_id Id of the order.
	 * @param \WC_Order $order    The order.
	 */
	public static function set_by_hand( $order_id, $order ) {
		$paid = Refunds::paid_attempt( $order );
		if ( null === $paid || (float) Refunds::done( wc_get_order( $order_id ) ) >= (float) $paid['amount'] ) {
			return;
		}
		$order->add_order_note( __( 'Galaxy Pay: this status alone gives no money back. To refund, use the button "Refund via Galaxy Pay".', 'galaxypay-woocommerce' ) );
	}
}
