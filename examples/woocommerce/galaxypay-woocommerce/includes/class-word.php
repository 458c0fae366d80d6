<?php
/**
 * What is said about a payment.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * A proven word on a payment: from an IPN, or from the gateway's answer to a question. Never from the browser.
 */
class Word {

	/**
	 * Payment status by the sidecar.
	 *
	 * @var string
	 */
	public $status = '';

	/**
	 * The gateway's orderID.
	 *
	 * @var string
	 */
	public $order_id = '';

	/**
	 * The gateway's transactionID.
	 *
	 * @var string
	 */
	public $transaction = '';

	/**
	 * Amount as it came; null where there is none.
	 *
	 * @var mixed
	 */
	public $amount = null;

	/**
	 * Currency; empty where there is none.
	 *
	 * @var string
	 */
	public $currency = '';

	/**
	 * Whether the sidecar found the call that this is about: matched, mismatched, unknown, or empty without a store.
	 *
	 * @var string
	 */
	public $binding = '';

	/**
	 * The operation that this is about, where the sidecar says so.
	 *
	 * @var string
	 */
	public $operation = '';

	/**
	 * Where it came from: ipn or query.
	 *
	 * @var string
	 */
	public $source = '';

	/**
	 * Reads the answer to a question.
	 *
	 * @param Answer $answer The sidecar's answer to query.
	 * @return Word
	 */
	public static function of_query( Answer $answer ) {
		$word              = new Word();
		$word->status      = $answer->payment_status;
		$word->order_id    = $answer->field( 'orderID' );
		$word->transaction = $answer->field( 'transactionID' );
		$word->amount      = $answer->field( 'orderAmount' );
		$word->currency    = $answer->field( 'orderCurrency' );
		$word->binding     = $answer->binding;
		$word->source      = 'query';
		return $word;
	}

	/**
	 * Reads a callback that the sidecar has proven.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return Word
	 */
	public static function of_callback( $request ) {
		$body = json_decode( $request->get_body(), true );
		$data = is_array( $body ) && isset( $body['responseData'] ) && is_array( $body['responseData'] ) ? $body['responseData'] : array();
		$word = new Word();

		$word->status      = (string) $request->get_header( 'Galaxypay-Payment-Status' );
		$word->order_id    = rawurldecode( (string) $request->get_header( 'Galaxypay-Order-Id' ) );
		$word->transaction = rawurldecode( (string) $request->get_header( 'Galaxypay-Transaction-Id' ) );
		$word->amount      = isset( $data['orderAmount'] ) ? $data['orderAmount'] : null;
		$word->currency    = isset( $data['orderCurrency'] ) && is_string( $data['orderCurrency'] ) ? $data['orderCurrency'] : '';
		$word->binding     = (string) $request->get_header( 'Galaxypay-Order' );
		$word->operation   = (string) $request->get_header( 'Galaxypay-Operation' );
		$word->source      = (string) $request->get_header( 'Galaxypay-Callback' );
		return $word;
	}

	/**
	 * Whether the message must not be believed.
	 *
	 * @return bool
	 */
	public function is_disputed() {
		return 'disputed' === $this->status || 'mismatched' === $this->binding;
	}

	/**
	 * Whether amount and currency are those. A currency may only be missing where the sidecar found the call.
	 *
	 * @param mixed  $amount   Expected amount.
	 * @param string $currency Expected currency.
	 * @return bool
	 */
	public function is_about( $amount, $currency ) {
		$same = $this->currency === $currency || ( '' === $this->currency && 'matched' === $this->binding );
		return $same && Money::same( $this->amount, $amount );
	}

	/**
	 * Tells repeated news.
	 *
	 * @return string
	 */
	public function news() {
		return ( $this->is_disputed() ? 'disputed' : $this->status ) . ' ' . $this->order_id . ' ' . $this->transaction;
	}
}
