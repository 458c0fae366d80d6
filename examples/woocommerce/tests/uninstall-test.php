<?php
/**
 * Removing the plugin. Each case runs in a PHP of its own, since the file runs once.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
/** Removes the plugin in such a network, and returns what was done on each site. */
function uninstall_in( $network ) {
	exec( escapeshellarg( PHP_BINARY ) . ' ' . escapeshellarg( __DIR__ . '/uninstall-in.php' ) . " $network 2>&1", $lines, $status );
	same( 0, $status, implode( "\n", $lines ) );
	return json_decode( implode( "\n", $lines ), true );
}

return array(
	'all that the plugin has made goes, on each site, whether WooCommerce is there or not' => function () {
		$made = array( 'option woocommerce_galaxypay_settings', 'option galaxypay_shop_prefix', 'option galaxypay_missed_ipns', 'locks' );
		$all  = array_merge( $made, array( 'questions' ) );
		same( array( 1 => $all ), uninstall_in( 'alone' ), 'one site' );
		// The third site never had WooCommerce, so it has no table of planned questions.
		same( array( 1 => $all, 2 => $all, 3 => $made ), uninstall_in( 'network' ), 'a network' );
	},
	'the file does nothing when it is called by its address' => function () {
		exec( escapeshellarg( PHP_BINARY ) . ' ' . escapeshellarg( __DIR__ . '/../galaxypay-woocommerce/uninstall.php' ) . ' 2>&1', $lines, $status );
		same( array( 0, array() ), array( $status, $lines ) );
	},
);
