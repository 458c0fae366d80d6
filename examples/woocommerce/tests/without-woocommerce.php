<?php
/**
 * Loads the plugin as WordPress does where WooCommerce is missing, and calls what WordPress would call.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
error_reporting( E_ALL );
set_error_handler( function ( $level, $text, $file, $line ) {
	throw new ErrorException( $text, 0, $level, $file, $line );
} );
define( 'ABSPATH', __DIR__ . '/' );
$hooks = array();
function add_action( $name, $do ) { $GLOBALS['hooks'][ $name ][] = $do; }
function add_filter( $name, $do ) { $GLOBALS['hooks'][ $name ][] = $do; }
function plugin_basename( $file ) { return 'galaxypay-woocommerce/' . basename( $file ); }
function load_plugin_textdomain() {}
function esc_html__( $text ) { return $text; }

require __DIR__ . '/../galaxypay-woocommerce/galaxypay-woocommerce.php';
foreach ( array( 'plugins_loaded', 'before_woocommerce_init', 'woocommerce_blocks_loaded', 'init', 'admin_notices' ) as $hook ) {
	ob_start();
	foreach ( $hooks[ $hook ] as $do ) {
		$do();
	}
	$printed = ob_get_clean();
}
if ( false === strpos( $printed, 'needs WooCommerce' ) ) {
	exit( 'the dashboard does not say that WooCommerce is missing' );
}
if ( array( 'Other' ) !== $hooks['woocommerce_payment_gateways'][0]( array( 'Other' ) ) ) {
	exit( 'a gateway is offered' );
}
echo 'the site goes on';
