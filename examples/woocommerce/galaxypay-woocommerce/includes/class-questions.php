<?php
/**
 * Asking the gateway.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * An IPN can get lost. So the gateway is asked about open payments: after some minutes, when the customer comes back, and before
 * WooCommerce cancels an unpaid order.
 */
class Questions {

	const HOOK = 'galaxypay_ask';

	/**
	 * Seconds between the questions.
	 */
	const DELAYS = array( 120, 300, 600, 1200, 3600, 10800, 21600, 43200, 86400 );

	/**
	 * Seconds for which an attempt of unknown outcome keeps its order from being cancelled.
	 */
	const UNKNOWN_LIFE = 86400;

	/**
	 * Payments that only a question has found since the last IPN.
	 */
	const MISSED = 'galaxypay_missed_ipns';

	/**
	 * Hooks.
	 */
	public static function listen() {
		add_action( self::HOOK, array( __CLASS__, 'ask_by_schedule' ), 10, 2 );
		add_filter( 'woocommerce_cancel_unpaid_order', array( __CLASS__, 'may_cancel' ), 100, 2 );
	}

	/**
	 * Plans a question. Action Scheduler comes with WooCommerce.
	 *
	 * @param int $order_id The order.
	 * @param int $round    How many questions there were.
	 */
	public static function schedule( $order_id, $round ) {
		if ( isset( self::DELAYS[ $round ] ) ) {
			as_schedule_single_action( time() + self::DELAYS[ $round ], self::HOOK, array( $order_id, $round ), 'galaxypay' );
		}
	}

	/**
	 * Asks, and plans the next question while the payment is open.
	 *
	 * @param int $order_id The order.
	 * @param int $round    How many questions there were.
	 */
	public static function ask_by_schedule( $order_id, $round ) {
		try {
			self::ask( (int) $order_id );
		} catch ( Busy $busy ) {
			Log::info( 'The order is busy; the next question comes later.', array( 'order' => (int) $order_id ) );
		}
		$order = wc_get_order( (int) $order_id );
		$last  = $order instanceof \WC_Order ? Attempts::last( $order ) : null;
		if ( null !== $last && 'open' === $last['state'] && ! $order->get_date_paid() ) {
			self::schedule( (int) $order_id, (int) $round + 1 );
		}
	}

	/**
	 * Asks about the newest attempt of an order, if it is open.
	 *
	 * @param int $order_id The order.
	 */
	public static function ask( $order_id ) {
		$lock = Lock::take( $order_id );
		try {
			$order = Orders::fresh( $order_id );
			$last  = $order ? Attempts::last( $order ) : null;
			if ( null !== $last && 'open' === $last['state'] ) {
				self::ask_locked( $order, $last );
			}
		} finally {
			$lock->release();
		}
	}

	/**
	 * The same for a caller that holds the lock.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt An open attempt of it.
	 * @return bool Whether the answer was taken; read the order afresh then.
	 */
	public static function ask_locked( $order, array $attempt ) {
		$answer = Sidecar::call( 'query', array( 'transactionID' => $attempt['transaction'] ) );
		if ( ! $answer->is_ok() ) {
			return false;
		}
		$word = Word::of_query( $answer );
		if ( $word->transaction !== $attempt['transaction'] || $word->order_id !== $attempt['id'] ) {
			Log::error( 'The answer is about another payment than the question.', array( 'attempt' => $attempt['id'] ) );
			return false;
		}
		$taken = Orders::settle_locked( $order->get_id(), $word );
		if ( '200' === $taken && 'paid' === $word->status ) {
			update_option( self::MISSED, (int) get_option( self::MISSED, 0 ) + 1, false );
		}
		return true;
	}

	/**
	 * Whether WooCommerce may cancel an unpaid order. No stays no.
	 *
	 * @param bool      $cancel What WooCommerce wants.
	 * @param \WC_Order $order  The order.
	 * @return bool
	 */
	public static function may_cancel( $cancel, $order ) {
		if ( ! $cancel || Settings::GATEWAY !== $order->get_payment_method() ) {
			return $cancel;
		}
		try {
			self::ask( $order->get_id() );
		} catch ( Busy $busy ) {
			return false;
		}
		$order = Orders::fresh( $order->get_id() );
		$last  = $order ? Attempts::last( $order ) : null;
		if ( ! $order || $order->get_date_paid() || ! $order->has_status( 'pending' ) ) {
			return false;
		}
		if ( null !== $last && in_array( $last['state'], array( 'unknown', 'sending' ), true ) ) {
			return $last['created'] + self::UNKNOWN_LIFE < time();
		}
		return null === $last || 'open' !== $last['state'];
	}
}
