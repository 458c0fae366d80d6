<?php
/**
 * What a proven word does to an order.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Settles orders. Nothing else in this plugin marks an order as paid.
 */
class Orders {

	/**
	 * The transaction that has paid the order.
	 */
	const SETTLED = '_galaxypay_transaction';

	/**
	 * News that were heard, so that none is noted twice.
	 */
	const HEARD = '_galaxypay_heard';

	/**
	 * Settles: locks the order, reads it afresh, decides, saves.
	 *
	 * @param Word $word What was said.
	 * @return string The ipnStatus: 200 taken, 404 no such order, 409 heard before.
	 */
	public static function settle( Word $word ) {
		$id = Attempts::order_id( $word->order_id );
		if ( ! $id ) {
			return self::gone( $word );
		}
		$lock = Lock::take( $id );
		try {
			return self::settle_locked( $id, $word );
		} finally {
			$lock->release();
		}
	}

	/**
	 * The same for a caller that holds the lock.
	 *
	 * @param int  $id   The order.
	 * @param Word $word What was said.
	 * @return string The ipnStatus.
	 */
	public static function settle_locked( $id, Word $word ) {
		$order   = self::fresh( $id );
		$attempt = $order ? Attempts::find( $order, $word->order_id ) : null;
		if ( null === $attempt ) {
			return self::gone( $word );
		}
		$heard = (array) $order->get_meta( self::HEARD );
		if ( in_array( $word->news(), $heard, true ) ) {
			return '409';
		}
		if ( self::says_nothing( $word ) ) {
			return '200';
		}
		$heard[] = $word->news();
		$order->update_meta_data( self::HEARD, array_slice( array_filter( $heard ), -50 ) );
		self::decide( $order, $attempt, $word );
		$order->save();
		return '200';
	}

	/**
	 * The order as the database has it now, past every cache.
	 *
	 * @param int $id The order.
	 * @return \WC_Order|null Null where it is gone or in the trash.
	 */
	public static function fresh( $id ) {
		clean_post_cache( $id );
		wp_cache_delete( 'order-items-' . $id, 'orders' );
		if ( is_callable( array( 'WC_Order', 'generate_meta_cache_key' ) ) ) {
			wp_cache_delete( \WC_Order::generate_meta_cache_key( $id, 'orders' ), 'orders' );
		}
		self::forget_object( $id );
		$order = wc_get_order( $id );
		return $order instanceof \WC_Order && ! $order->has_status( 'trash' ) ? $order : null;
	}

	/**
	 * Removes the order from WooCommerce's caches of objects and of rows, which not all versions have.
	 *
	 * @param int $id The order.
	 */
	private static function forget_object( $id ) {
		$cache = 'Automattic\WooCommerce\Caches\OrderCache';
		if ( class_exists( $cache ) ) {
			wc_get_container()->get( $cache )->remove( $id );
		}
		$store = \WC_Data_Store::load( 'order' );
		if ( $store->has_callable( 'clear_cached_data' ) ) {
			$store->clear_cached_data( array( $id ) );
		}
	}

	/**
	 * Money may have come for an order that is not here. Only a log can tell.
	 *
	 * @param Word $word What was said.
	 * @return string The ipnStatus.
	 */
	private static function gone( Word $word ) {
		Log::error(
			'No order of this shop has this attempt. If it says paid, money came for it.',
			array(
				'attempt'     => $word->order_id,
				'status'      => $word->status,
				'transaction' => $word->transaction,
				'source'      => $word->source,
			)
		);
		return '404';
	}

	/**
	 * Whether the word is no news about the payment: it is open, or the word is the echo of a refund, which this plugin has itself recorded.
	 *
	 * @param Word $word What was said.
	 * @return bool
	 */
	private static function says_nothing( Word $word ) {
		if ( $word->is_disputed() ) {
			return false;
		}
		return in_array( $word->status, array( '', 'pending', 'open', 'none' ), true ) || in_array( $word->operation, array( 'refund', 'void', 'capture' ), true );
	}

	/**
	 * Decides what the word does to the order. The caller saves the order.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt The attempt that the word is about.
	 * @param Word      $word    What was said.
	 */
	private static function decide( $order, array $attempt, Word $word ) {
		if ( $word->is_disputed() ) {
			/* translators: 1: id of the attempt, 2: id of the transaction */
			self::hold( $order, $attempt, sprintf( __( 'Galaxy Pay: a message about attempt %1$s (transaction %2$s) does not fit what was ordered. It pays nothing; please look into it.', 'galaxypay-woocommerce' ), $attempt['id'], $word->transaction ) );
			return;
		}
		if ( 'paid' === $word->status ) {
			self::paid( $order, $attempt, $word );
			return;
		}
		if ( in_array( $word->status, array( 'failed', 'cancelled', 'expired' ), true ) ) {
			self::ended( $order, $attempt, $word );
			return;
		}
		/* translators: 1: id of the attempt, 2: payment status */
		$order->add_order_note( sprintf( __( 'Galaxy Pay: attempt %1$s is now "%2$s". It changes nothing here.', 'galaxypay-woocommerce' ), $attempt['id'], $word->status ) );
	}

	/**
	 * Money came. Whether it pays this order is decided here.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt The attempt.
	 * @param Word      $word    What was said.
	 */
	private static function paid( $order, array $attempt, Word $word ) {
		$transaction = '' === $word->transaction ? $attempt['id'] : $word->transaction;
		$settled     = (string) $order->get_meta( self::SETTLED );
		$money       = Money::show( is_scalar( $word->amount ) ? (string) $word->amount : '', $word->currency );
		if ( $settled === $transaction ) {
			return;
		}
		if ( '' !== $settled ) {
			/* translators: 1: amount, 2: id of the second transaction, 3: id of the first transaction */
			Merchant::tell( $order, sprintf( __( 'Galaxy Pay: the customer paid twice. Please refund %1$s of transaction %2$s in the gateway\'s portal; the order was paid by %3$s.', 'galaxypay-woocommerce' ), $money, $transaction, $settled ) );
			return;
		}
		if ( Settings::GATEWAY !== $order->get_payment_method() || $order->get_date_paid() || $order->get_refunds() ) {
			/* translators: 1: amount, 2: id of the transaction */
			Merchant::tell( $order, sprintf( __( 'Galaxy Pay: %1$s came with transaction %2$s, but the order was paid in another way or refunded before. Please refund it in the gateway\'s portal.', 'galaxypay-woocommerce' ), $money, $transaction ) );
			return;
		}
		if ( ! $word->is_about( $attempt['amount'], $attempt['currency'] ) || ! $word->is_about( $order->get_total(), $order->get_currency() ) ) {
			/* translators: 1: amount that came, 2: id of the transaction, 3: amount of the order */
			self::hold( $order, $attempt, sprintf( __( 'Galaxy Pay: %1$s came with transaction %2$s, but the order is about %3$s. It is not marked as paid; please look into it.', 'galaxypay-woocommerce' ), $money, $transaction, Money::show( $order->get_total(), $order->get_currency() ) ) );
			return;
		}
		self::complete( $order, $attempt, $transaction );
	}

	/**
	 * Marks the order as paid. WooCommerce chooses the status and reduces the stock.
	 *
	 * @param \WC_Order $order       The order.
	 * @param array     $attempt     The attempt.
	 * @param string    $transaction The gateway's transactionID.
	 * @throws \RuntimeException Where WooCommerce could not save it; the message must come again.
	 */
	private static function complete( $order, array $attempt, $transaction ) {
		$cancelled = $order->has_status( 'cancelled' );

		$attempt['state']       = 'paid';
		$attempt['transaction'] = $transaction;
		Attempts::keep( $order, $attempt );
		$order->update_meta_data( self::SETTLED, $transaction );
		if ( ! $order->payment_complete( $transaction ) ) {
			throw new \RuntimeException( 'WooCommerce could not mark the order as paid.' );
		}
		if ( ! $order->get_date_paid() ) {
			/* translators: 1: id of the transaction, 2: status of the order */
			Merchant::tell( $order, sprintf( __( 'Galaxy Pay: paid with transaction %1$s, but an order with the status "%2$s" cannot be marked as paid. Please look into it.', 'galaxypay-woocommerce' ), $transaction, $order->get_status() ) );
			return;
		}
		/* translators: 1: amount, 2: id of the transaction, 3: id of the attempt */
		$order->add_order_note( sprintf( __( 'Galaxy Pay: %1$s paid with transaction %2$s (attempt %3$s).', 'galaxypay-woocommerce' ), Money::show( $attempt['amount'], $attempt['currency'] ), $transaction, $attempt['id'] ) );
		if ( $cancelled ) {
			Merchant::tell( $order, __( 'Galaxy Pay: the payment came after the order was cancelled. The order is paid now; please check that the goods are still in stock.', 'galaxypay-woocommerce' ) );
		}
	}

	/**
	 * The attempt is over, unpaid. It touches no order that is paid or in other hands.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt The attempt.
	 * @param Word      $word    What was said.
	 */
	private static function ended( $order, array $attempt, Word $word ) {
		if ( ! Attempts::may_be_paid( $attempt ) ) {
			return;
		}
		$attempt['state'] = 'dead';
		Attempts::keep( $order, $attempt );
		if ( Settings::GATEWAY !== $order->get_payment_method() || ! $order->has_status( array( 'pending', 'failed' ) ) ) {
			return;
		}
		/* translators: 1: id of the attempt, 2: payment status */
		$order->add_order_note( sprintf( __( 'Galaxy Pay: attempt %1$s is over: %2$s. The customer may pay again.', 'galaxypay-woocommerce' ), $attempt['id'], $word->status ) );
		if ( 'failed' === $word->status ) {
			$order->set_status( 'failed' );
		}
	}

	/**
	 * Money or a message that does not fit: a person decides.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt The attempt.
	 * @param string    $text    What to look at.
	 */
	private static function hold( $order, array $attempt, $text ) {
		if ( Attempts::may_be_paid( $attempt ) || 'dead' === $attempt['state'] ) {
			$attempt['state'] = 'held';
			Attempts::keep( $order, $attempt );
		}
		Merchant::hold( $order, $text );
	}
}
