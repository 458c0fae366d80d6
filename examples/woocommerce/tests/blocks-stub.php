<?php
/**
 * The block checkout's class, as much as the tests need.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
namespace Automattic\WooCommerce\Blocks\Payments\Integrations;

abstract class AbstractPaymentMethodType {
	protected $name     = '';
	protected $settings = array();
	public function get_name() { return $this->name; }
	protected function get_setting( $name, $default = '' ) { return isset( $this->settings[ $name ] ) ? $this->settings[ $name ] : $default; }
}
