<?php
/**
 * Opening a payment.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Opens the payment page of an order. One order has one open payment at most.
 */
class Payment {

	/**
	 * Where the customer's browser goes now.
	 *
	 * @param int $order_id The order.
	 * @return string
	 * @throws \Exception With a sentence for the customer.
	 */
	public static function start( $order_id ) {
		$lock = Lock::take( $order_id );
		try {
			return self::start_locked( $order_id );
		} finally {
			$lock->release();
		}
	}

	/**
	 * The same, with the lock of the order: a second tab waits, and gets the same page.
	 *
	 * @param int $order_id The order.
	 * @return string
	 * @throws \Exception With a sentence for the customer.
	 */
	private static function start_locked( $order_id ) {
		$order = Orders::fresh( $order_id );
		$last  = $order ? Attempts::last( $order ) : null;
		if ( null !== $last && 'open' === $last['state'] && Questions::ask_locked( $order, $last ) ) {
			$order = Orders::fresh( $order_id );
			$last  = Attempts::last( $order );
		}
		if ( ! $order ) {
			throw new \Exception( esc_html__( 'This order does not exist any more.', 'galaxypay-woocommerce' ) );
		}
		if ( $order->get_date_paid() || '' !== (string) $order->get_meta( Orders::SETTLED ) ) {
			return $order->get_checkout_order_received_url();
		}
		$attempt = self::attempt( $order, $last );
		if ( 'open' === $attempt['state'] ) {
			return $attempt['endpoint'];
		}
		return self::send( $order, $attempt );
	}

	/**
	 * The attempt to go on with: the same one while it may be paid, else the next.
	 *
	 * @param \WC_Order  $order The order.
	 * @param array|null $last  The newest attempt.
	 * @return array
	 * @throws \Exception With a sentence for the customer.
	 */
	private static function attempt( $order, $last ) {
		$currency = $order->get_currency();
		$amount   = Money::payable( $order->get_total(), $currency );
		if ( null === $amount ) {
			throw new \Exception( esc_html__( 'This amount cannot be paid with Galaxy Pay. Please choose another payment method.', 'galaxypay-woocommerce' ) );
		}
		if ( ! Attempts::may_be_paid( $last ) ) {
			$next = Attempts::next( $order, $amount );
			return null !== $last && 'not_sent' === $last['state'] ? array_merge( $next, array_intersect_key( $last, array_flip( array( 'n', 'id', 'key' ) ) ) ) : $next;
		}
		if ( ! Money::same( $last['amount'], $amount ) || $last['currency'] !== $currency ) {
			throw new \Exception( esc_html__( 'A payment page for another amount of this order is still open. Please cancel there, or try again in some minutes.', 'galaxypay-woocommerce' ) );
		}
		return $last;
	}

	/**
	 * Sends the payment. It is saved before, so that a crash cannot make a second payment.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt The attempt.
	 * @return string Where the browser goes.
	 * @throws \Exception With a sentence for the customer.
	 */
	private static function send( $order, array $attempt ) {
		$kept  = Attempts::find( $order, $attempt['id'] );
		$again = null !== $kept && 'not_sent' !== $kept['state'];
		Attempts::keep( $order, $attempt );
		$order->save();
		list( $operation, $fields ) = self::call( $order, $attempt );
		$answer                     = Sidecar::call( $operation, $fields, $attempt['key'] );
		if ( $answer->is_ok() && '' !== $answer->field( 'transactionID' ) && '' !== $answer->field( 'endpoint' ) ) {
			return self::opened( $order, $attempt, $answer );
		}
		if ( 'rejected' === $answer->outcome && 'transaction_duplicate' !== $answer->code ) {
			self::note( $order, $attempt, 'dead', __( 'Galaxy Pay refused attempt %1$s: %2$s', 'galaxypay-woocommerce' ), $answer ); // phpcs:ignore WordPress.WP.I18n.MissingTranslatorsComment
			throw new \Exception( esc_html__( 'Galaxy Pay did not accept the payment. Please try again, or choose another payment method.', 'galaxypay-woocommerce' ) );
		}
		if ( 'not_sent' === $answer->outcome && ! $again ) {
			self::note( $order, $attempt, 'not_sent', __( 'Attempt %1$s did not reach Galaxy Pay: %2$s', 'galaxypay-woocommerce' ), $answer ); // phpcs:ignore WordPress.WP.I18n.MissingTranslatorsComment
			throw new \Exception( esc_html__( 'Galaxy Pay cannot be reached now. Nothing was charged. Please try again in a minute.', 'galaxypay-woocommerce' ) );
		}
		self::note( $order, $attempt, 'unknown', __( 'It is not known whether attempt %1$s reached Galaxy Pay: %2$s. Only an IPN can tell, as the transaction has no number here. Look into the gateway\'s portal before you allow another attempt.', 'galaxypay-woocommerce' ), $answer ); // phpcs:ignore WordPress.WP.I18n.MissingTranslatorsComment
		return Waiting_Page::address( $order );
	}

	/**
	 * The payment is open. Saved before the browser goes there.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt The attempt.
	 * @param Answer    $answer  The sidecar's answer.
	 * @return string Where the browser goes.
	 */
	private static function opened( $order, array $attempt, Answer $answer ) {
		$attempt['state']       = 'open';
		$attempt['transaction'] = $answer->field( 'transactionID' );
		$attempt['endpoint']    = $answer->field( 'endpoint' );
		Attempts::keep( $order, $attempt );
		$order->save();
		Questions::schedule( $order->get_id(), 0 );
		return $attempt['endpoint'];
	}

	/**
	 * Notes why there is no payment page.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt The attempt.
	 * @param string    $state   New state of the attempt.
	 * @param string    $text    Sentence with places for the attempt and the reason.
	 * @param Answer    $answer  The sidecar's answer.
	 */
	private static function note( $order, array $attempt, $state, $text, Answer $answer ) {
		$attempt['state'] = $state;
		Attempts::keep( $order, $attempt );
		$order->add_order_note( sprintf( $text, $attempt['id'], $answer->reason() ) );
		$order->save();
	}

	/**
	 * Operation and fields by the merchant's choice of methods.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $attempt The attempt.
	 * @return array Operation and fields.
	 */
	private static function call( $order, array $attempt ) {
		$result = Settings::callback( 'result' );
		$fields = array(
			'apiVersion'       => '2',
			'orderID'          => $attempt['id'],
			'orderNumber'      => mb_substr( (string) $order->get_order_number(), 0, 20 ),
			'orderAmount'      => $attempt['amount'],
			'orderCurrency'    => $attempt['currency'],
			'orderDateTime'    => self::vietnam_time( $attempt['created'] ),
			'orderDescription' => self::description( $order ),
			'language'         => Sidecar::language(),
			'successURL'       => $result,
			'failureURL'       => $result,
			'cancelURL'        => $result,
			'ipnURL'           => Settings::callback( 'ipn' ),
		);
		$method = explode( ':', Settings::get( 'method', 'option' ) );
		if ( 'option' === $method[0] ) {
			return array( 'payWithOption', array( 'apiOperation' => 'PAY' ) + $fields );
		}
		$fields['paymentMethod'] = $method[0];
		if ( isset( $method[1] ) ) {
			$fields['sourceType'] = $method[1];
		}
		return array( 'pay', $fields );
	}

	/**
	 * Text for the payment page.
	 *
	 * @param \WC_Order $order The order.
	 * @return string At most 250 letters.
	 */
	private static function description( $order ) {
		/* translators: 1: number of the order, 2: name of the shop */
		$text = sprintf( __( 'Order %1$s at %2$s', 'galaxypay-woocommerce' ), $order->get_order_number(), wp_specialchars_decode( get_bloginfo( 'name' ), ENT_QUOTES ) );
		/**
		 * Text of the order on the payment page.
		 *
		 * @param string    $text  The text.
		 * @param \WC_Order $order The order.
		 */
		return mb_substr( (string) apply_filters( 'galaxypay_order_description', $text, $order ), 0, 250 );
	}

	/**
	 * A time as the gateway wants it.
	 *
	 * @param int $time Unix time.
	 * @return string
	 */
	public static function vietnam_time( $time ) {
		return gmdate( 'YmdHis', $time + 7 * 3600 );
	}
}
