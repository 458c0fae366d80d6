<?php
/**
 * Plugin Name:          Galaxy Pay through a sidecar
 * Description:          Takes payments with Galaxy Pay. The sidecar beside the shop signs and proves every message, so this plugin holds no key.
 * Version:              0.1.0
 * Text Domain:          galaxypay-woocommerce
 * Domain Path:          /languages
 * Requires at least:    6.1
 * Requires PHP:         7.4
 * Requires Plugins:     woocommerce
 * WC requires at least: 7.8
 * WC tested up to:      7.8
 * License:              Apache-2.0
 * License URI:          https://www.apache.org/licenses/LICENSE-2.0
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

define( 'GALAXYPAY_WOOCOMMERCE_FILE', __FILE__ );
define( 'GALAXYPAY_WOOCOMMERCE_VERSION', '0.1.0' );

/**
 * Tells WooCommerce that orders in tables of their own and the block checkout are supported.
 */
function declare_compatibility() {
	if ( ! class_exists( '\Automattic\WooCommerce\Utilities\FeaturesUtil' ) ) {
		return;
	}
	\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( 'custom_order_tables', __FILE__, true );
	\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( 'cart_checkout_blocks', __FILE__, true );
}
add_action( 'before_woocommerce_init', __NAMESPACE__ . '\declare_compatibility' );

/**
 * Loads the translations. Not earlier than init, which WordPress wants.
 */
function load_translations() {
	load_plugin_textdomain( 'galaxypay-woocommerce', false, dirname( plugin_basename( __FILE__ ) ) . '/languages' );
}
add_action( 'init', __NAMESPACE__ . '\load_translations', 1 );

/**
 * Says in the dashboard that WooCommerce is missing.
 */
function say_that_woocommerce_is_missing() {
	echo '<div class="notice notice-error"><p>';
	echo esc_html__( 'Galaxy Pay needs WooCommerce. Please install and activate it.', 'galaxypay-woocommerce' );
	echo '</p></div>';
}

/**
 * Starts the plugin when all plugins are loaded.
 */
function start() {
	if ( ! class_exists( 'WC_Payment_Gateway' ) ) {
		add_action( 'admin_notices', __NAMESPACE__ . '\say_that_woocommerce_is_missing' );
		return;
	}
	$parts = array( 'settings', 'log', 'money', 'answer', 'sidecar', 'lock', 'busy', 'attempts', 'merchant', 'word', 'orders', 'payment', 'refunds', 'questions', 'waiting-page', 'callbacks', 'connection-test', 'order-screen', 'gateway' );
	foreach ( $parts as $part ) {
		require_once __DIR__ . '/includes/class-' . $part . '.php';
	}
	Callbacks::listen();
	Questions::listen();
	Waiting_Page::listen();
	Connection_Test::listen();
	Order_Screen::listen();
}
add_action( 'plugins_loaded', __NAMESPACE__ . '\start' );

/**
 * Offers the payment method to WooCommerce.
 *
 * @param array $gateways Class names of payment methods.
 * @return array
 */
function add_gateway( $gateways ) {
	if ( class_exists( __NAMESPACE__ . '\Gateway' ) ) {
		$gateways[] = Gateway::class;
	}
	return $gateways;
}
add_filter( 'woocommerce_payment_gateways', __NAMESPACE__ . '\add_gateway' );

/**
 * Offers the payment method to the block checkout.
 */
function add_blocks() {
	if ( ! class_exists( '\Automattic\WooCommerce\Blocks\Payments\Integrations\AbstractPaymentMethodType' ) ) {
		return;
	}
	require_once __DIR__ . '/includes/class-blocks.php';
	add_action(
		'woocommerce_blocks_payment_method_type_registration',
		function ( $registry ) {
			$registry->register( new Blocks() );
		}
	);
}
add_action( 'woocommerce_blocks_loaded', __NAMESPACE__ . '\add_blocks' );

/**
 * Adds a link to the settings in the list of plugins.
 *
 * @param array $links Links of this plugin.
 * @return array
 */
function add_settings_link( $links ) {
	$url = admin_url( 'admin.php?page=wc-settings&tab=checkout&section=galaxypay' );
	array_unshift( $links, '<a href="' . esc_url( $url ) . '">' . esc_html__( 'Settings', 'galaxypay-woocommerce' ) . '</a>' );
	return $links;
}
add_filter( 'plugin_action_links_' . plugin_basename( __FILE__ ), __NAMESPACE__ . '\add_settings_link' );
