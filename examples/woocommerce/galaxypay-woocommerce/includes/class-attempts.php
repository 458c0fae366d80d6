<?php
/**
 * The attempts to pay an order.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Each attempt is one payment at the gateway, kept in the order's own meta.
 *
 * States: sending (saved before the call), not_sent, open (the customer has a payment page), unknown (the call may have been
 * carried out), paid, held (money came that does not fit), dead (over; the next attempt may begin).
 */
class Attempts {

	const META = '_galaxypay_attempts';

	/**
	 * All attempts of an order, oldest first.
	 *
	 * @param \WC_Order $order The order.
	 * @return array
	 */
	public static function all( $order ) {
		$all = $order->get_meta( self::META );
		return is_array( $all ) ? $all : array();
	}

	/**
	 * The newest attempt.
	 *
	 * @param \WC_Order $order The order.
	 * @return array|null
	 */
	public static function last( $order ) {
		$all = self::all( $order );
		return $all ? end( $all ) : null;
	}

	/**
	 * The attempt with this id.
	 *
	 * @param \WC_Order $order The order.
	 * @param string    $id    The gateway's orderID.
	 * @return array|null
	 */
	public static function find( $order, $id ) {
		foreach ( self::all( $order ) as $attempt ) {
			if ( $attempt['id'] === $id ) {
				return $attempt;
			}
		}
		return null;
	}

	/**
	 * A new attempt; it is not kept yet.
	 *
	 * @param \WC_Order $order  The order.
	 * @param string    $amount The amount to be sent.
	 * @return array
	 */
	public static function next( $order, $amount ) {
		$n  = count( self::all( $order ) ) + 1;
		$id = Settings::prefix() . '-' . $order->get_id() . '-' . $n;
		return array(
			'n'           => $n,
			'id'          => $id,
			'key'         => $id . '-pay',
			'state'       => 'sending',
			'amount'      => $amount,
			'currency'    => $order->get_currency(),
			'transaction' => '',
			'endpoint'    => '',
			'created'     => time(),
		);
	}

	/**
	 * Puts an attempt into the order. The caller saves the order.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt The attempt.
	 */
	public static function keep( $order, array $attempt ) {
		$all                      = self::all( $order );
		$all[ $attempt['n'] - 1 ] = $attempt;
		$order->update_meta_data( self::META, $all );
	}

	/**
	 * The WooCommerce id in an orderID of ours. The order must still have that attempt.
	 *
	 * Not the order's number, which other plugins change.
	 *
	 * @param string $id The gateway's orderID.
	 * @return int 0 where it is none of ours.
	 */
	public static function order_id( $id ) {
		return preg_match( '/^[A-Za-z0-9]+-([1-9][0-9]{0,18})-[1-9][0-9]{0,5}$/D', $id, $parts ) ? (int) $parts[1] : 0;
	}

	/**
	 * Whether the attempt may still be paid.
	 *
	 * @param array|null $attempt The attempt.
	 * @return bool
	 */
	public static function may_be_paid( $attempt ) {
		return null !== $attempt && in_array( $attempt['state'], array( 'sending', 'open', 'unknown' ), true );
	}
}
