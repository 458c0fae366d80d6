<?php
/**
 * What the sidecar answered.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * One answer of the sidecar. Where nothing clear came, the outcome is unknown.
 */
class Answer {

	/**
	 * Ok: the gateway's proven answer is yes. Else not_sent, rejected or unknown.
	 *
	 * @var string
	 */
	public $outcome = 'unknown';

	/**
	 * The problem's code.
	 *
	 * @var string
	 */
	public $code = '';

	/**
	 * A sentence for the merchant.
	 *
	 * @var string
	 */
	public $detail = '';

	/**
	 * The gateway's data.
	 *
	 * @var array
	 */
	public $data = array();

	/**
	 * Header Galaxypay-Payment-Status.
	 *
	 * @var string
	 */
	public $payment_status = '';

	/**
	 * Header Galaxypay-Order.
	 *
	 * @var string
	 */
	public $binding = '';

	/**
	 * Whether the gateway said yes.
	 *
	 * @return bool
	 */
	public function is_ok() {
		return 'ok' === $this->outcome;
	}

	/**
	 * A field of the data as text.
	 *
	 * @param string $name Name of the field.
	 * @return string Empty where there is none.
	 */
	public function field( $name ) {
		return isset( $this->data[ $name ] ) && is_scalar( $this->data[ $name ] ) ? (string) $this->data[ $name ] : '';
	}

	/**
	 * Detail and code for a note or a message to the merchant.
	 *
	 * @return string
	 */
	public function reason() {
		return trim( $this->detail . ' (' . ( '' === $this->code ? $this->outcome : $this->code ) . ')' );
	}
}
