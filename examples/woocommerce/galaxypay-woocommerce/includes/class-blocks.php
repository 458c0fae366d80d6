<?php
/**
 * The block checkout.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

use Automattic\WooCommerce\Blocks\Payments\Integrations\AbstractPaymentMethodType;

defined( 'ABSPATH' ) || exit;

/**
 * Tells the block checkout of the payment method. It needs neither cart nor session, which the editor does not have.
 */
class Blocks extends AbstractPaymentMethodType {

	/**
	 * The same name as the gateway's id.
	 *
	 * @var string
	 */
	protected $name = 'galaxypay';

	/**
	 * Reads the settings.
	 */
	public function initialize() {
		$settings       = get_option( 'woocommerce_galaxypay_settings', array() );
		$this->settings = is_array( $settings ) ? $settings : array();
	}

	/**
	 * Whether the method is enabled.
	 *
	 * @return bool
	 */
	public function is_active() {
		return 'yes' === $this->get_setting( 'enabled', 'no' ) && class_exists( __NAMESPACE__ . '\Gateway' );
	}

	/**
	 * The script.
	 *
	 * @return string[]
	 */
	public function get_payment_method_script_handles() {
		wp_register_script(
			'galaxypay-blocks',
			plugins_url( 'assets/blocks.js', GALAXYPAY_WOOCOMMERCE_FILE ),
			array( 'wc-blocks-registry', 'wc-settings', 'wp-element', 'wp-html-entities' ),
			GALAXYPAY_WOOCOMMERCE_VERSION,
			true
		);
		return array( 'galaxypay-blocks' );
	}

	/**
	 * What the script needs, with its texts already translated.
	 *
	 * @return array
	 */
	public function get_payment_method_data() {
		return array(
			'title'       => $this->get_setting( 'title', __( 'Galaxy Pay', 'galaxypay-woocommerce' ) ),
			'description' => $this->get_setting( 'description' ),
			'supports'    => $this->get_supported_features(),
		);
	}

	/**
	 * What the gateway supports.
	 *
	 * @return string[]
	 */
	public function get_supported_features() {
		return array( 'products', 'refunds' );
	}
}
