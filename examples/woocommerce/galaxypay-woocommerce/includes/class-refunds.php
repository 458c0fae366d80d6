<?php
/**
 * Refunds.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Gives money back by the button on the order's screen. A refund of unknown outcome is sent again under the same key only, so that
 * money moves once. WooCommerce deletes its own record of a refund that failed; this one stays.
 */
class Refunds {

	const META = '_galaxypay_refunds';

	/**
	 * Refunds an amount.
	 *
	 * @param int    $order_id The order.
	 * @param mixed  $amount   The amount.
	 * @param string $reason   The merchant's reason.
	 * @return true|\WP_Error
	 */
	public static function refund( $order_id, $amount, $reason ) {
		try {
			$lock = Lock::take( $order_id );
		} catch ( Busy $busy ) {
			return new \WP_Error( 'galaxypay_busy', $busy->getMessage() );
		}
		try {
			return self::refund_locked( $order_id, $amount, $reason );
		} finally {
			$lock->release();
		}
	}

	/**
	 * The same, with the lock of the order.
	 *
	 * @param int    $order_id The order.
	 * @param mixed  $amount   The amount.
	 * @param string $reason   The merchant's reason.
	 * @return true|\WP_Error
	 */
	private static function refund_locked( $order_id, $amount, $reason ) {
		$order = Orders::fresh( $order_id );
		$paid  = $order ? self::paid_attempt( $order ) : null;
		if ( null === $paid ) {
			return new \WP_Error( 'galaxypay_not_paid', __( 'Galaxy Pay has not paid this order, so it cannot refund it.', 'galaxypay-woocommerce' ) );
		}
		$sent = Money::payable( $amount, $paid['currency'] );
		if ( null === $sent ) {
			return new \WP_Error( 'galaxypay_amount', __( 'This amount cannot be refunded: the currency has no such fraction. Enter whole đồng.', 'galaxypay-woocommerce' ) );
		}
		$refund = self::open( $order, $paid, $sent );
		if ( is_wp_error( $refund ) ) {
			return $refund;
		}
		self::keep( $order, $refund );
		$order->save();
		return self::after( $order, $refund, Sidecar::call( 'refund', self::fields( $order, $paid, $refund, $reason ), $refund['key'] ) );
	}

	/**
	 * The refund to go on with: the one that waits, else the next.
	 *
	 * @param \WC_Order $order The order.
	 * @param array     $paid  The attempt that paid the order.
	 * @param string    $sent  The amount.
	 * @return array|\WP_Error
	 */
	private static function open( $order, array $paid, $sent ) {
		$all  = self::all( $order );
		$last = $all ? end( $all ) : null;
		if ( null !== $last && 'pending' === $last['state'] ) {
			if ( Money::same( $last['amount'], $sent ) ) {
				return array( 'unknown' => true ) + $last;
			}
			/* translators: %s: amount */
			return new \WP_Error( 'galaxypay_pending', sprintf( __( 'It is not known yet whether the refund of %s was carried out. Please repeat that one first, with the same amount: it cannot move money twice.', 'galaxypay-woocommerce' ), Money::show( $last['amount'], $paid['currency'] ) ) );
		}
		$sum   = Money::add( self::done( $order ), $sent );
		$base  = $paid['id'] . '-R' . str_replace( '.', '-', $sum );
		$tries = 0;
		foreach ( $all as $refund ) {
			$tries += 0 === strpos( $refund['key'], $base . '-' ) ? 1 : 0;
		}
		return array(
			'n'      => count( $all ) + 1,
			'key'    => $base . '-' . ( $tries + 1 ),
			'amount' => $sent,
			'state'  => 'pending',
		);
	}

	/**
	 * Fields of the call.
	 *
	 * @param \WC_Order $order  The order.
	 * @param array     $paid   The attempt that paid the order.
	 * @param array     $refund The refund.
	 * @param string    $reason The merchant's reason.
	 * @return array
	 */
	private static function fields( $order, array $paid, array $refund, $reason ) {
		/* translators: %s: number of the order */
		$text = '' === trim( (string) $reason ) ? sprintf( __( 'Refund of order %s', 'galaxypay-woocommerce' ), $order->get_order_number() ) : $reason;
		return array(
			'transactionID'    => (string) $order->get_meta( Orders::SETTLED ),
			'orderID'          => $paid['id'],
			'orderAmount'      => $refund['amount'],
			'orderCurrency'    => $paid['currency'],
			'orderDateTime'    => Payment::vietnam_time( time() ),
			'orderDescription' => mb_substr( (string) $text, 0, 250 ),
		);
	}

	/**
	 * What the answer means for the refund.
	 *
	 * @param \WC_Order $order  The order.
	 * @param array     $refund The refund.
	 * @param Answer    $answer The sidecar's answer.
	 * @return true|\WP_Error
	 */
	private static function after( $order, array $refund, Answer $answer ) {
		$money = Money::show( $refund['amount'], $order->get_currency() );
		if ( $answer->is_ok() ) {
			/* translators: 1: amount, 2: key of the refund */
			return self::end( $order, $refund, 'done', sprintf( __( 'Galaxy Pay has taken the refund of %1$s (%2$s).', 'galaxypay-woocommerce' ), $money, $refund['key'] ) );
		}
		if ( 'transaction_duplicate' === $answer->code ) {
			/* translators: 1: amount, 2: key of the refund */
			return self::end( $order, $refund, 'done', sprintf( __( 'Galaxy Pay had the refund of %1$s (%2$s) before. It is recorded here; please check in the gateway\'s portal that it was carried out.', 'galaxypay-woocommerce' ), $money, $refund['key'] ) );
		}
		if ( 'rejected' === $answer->outcome ) {
			/* translators: 1: amount, 2: reason */
			return self::end( $order, $refund, 'rejected', sprintf( __( 'Galaxy Pay refused the refund of %1$s: %2$s', 'galaxypay-woocommerce' ), $money, $answer->reason() ) );
		}
		if ( 'not_sent' === $answer->outcome && empty( $refund['unknown'] ) ) {
			/* translators: 1: amount, 2: reason */
			return self::end( $order, $refund, 'not_sent', sprintf( __( 'The refund of %1$s did not reach Galaxy Pay, and nothing was refunded: %2$s', 'galaxypay-woocommerce' ), $money, $answer->reason() ) );
		}
		$refund['unknown'] = true;
		/* translators: 1: amount, 2: reason, 3: key of the refund */
		return self::end( $order, $refund, 'pending', sprintf( __( 'It is not known whether Galaxy Pay carried out the refund of %1$s (%3$s): %2$s. Do not refund it in another way. Press the button again later, with the same amount: it cannot move money twice.', 'galaxypay-woocommerce' ), $money, $answer->reason(), $refund['key'] ) );
	}

	/**
	 * Saves the state of a refund, with a note.
	 *
	 * @param \WC_Order $order  The order.
	 * @param array     $refund The refund.
	 * @param string    $state  Its new state.
	 * @param string    $text   The note.
	 * @return true|\WP_Error True where money was given back.
	 */
	private static function end( $order, array $refund, $state, $text ) {
		$refund['state'] = $state;
		self::keep( $order, $refund );
		$order->add_order_note( $text );
		$order->save();
		return 'done' === $state ? true : new \WP_Error( 'galaxypay_refund', $text );
	}

	/**
	 * All refunds that were sent, oldest first.
	 *
	 * @param \WC_Order $order The order.
	 * @return array
	 */
	private static function all( $order ) {
		$all = $order->get_meta( self::META );
		return is_array( $all ) ? $all : array();
	}

	/**
	 * Puts a refund into the order. One that never reached the gateway is left out: its key is used again.
	 *
	 * @param \WC_Order $order  The order.
	 * @param array     $refund The refund.
	 */
	private static function keep( $order, array $refund ) {
		$all = self::all( $order );
		if ( 'not_sent' === $refund['state'] ) {
			unset( $all[ $refund['n'] - 1 ] );
		} else {
			$all[ $refund['n'] - 1 ] = $refund;
		}
		$order->update_meta_data( self::META, array_values( $all ) );
	}

	/**
	 * The sum that Galaxy Pay has given back.
	 *
	 * @param \WC_Order $order The order.
	 * @return string
	 */
	public static function done( $order ) {
		$sum = '0';
		foreach ( self::all( $order ) as $refund ) {
			$sum = 'done' === $refund['state'] ? Money::add( $sum, $refund['amount'] ) : $sum;
		}
		return $sum;
	}

	/**
	 * The attempt that paid the order.
	 *
	 * @param \WC_Order $order The order.
	 * @return array|null
	 */
	public static function paid_attempt( $order ) {
		foreach ( Attempts::all( $order ) as $attempt ) {
			if ( 'paid' === $attempt['state'] && $attempt['transaction'] === (string) $order->get_meta( Orders::SETTLED ) ) {
				return $attempt;
			}
		}
		return null;
	}
}
