<?php
/**
 * The plugin's file where WooCommerce is missing. It runs in a PHP of its own, since here WooCommerce is there.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
return array(
	'without WooCommerce the site goes on, and the dashboard says what is missing' => function () {
		exec( escapeshellarg( PHP_BINARY ) . ' ' . escapeshellarg( __DIR__ . '/without-woocommerce.php' ) . ' 2>&1', $lines, $status );
		same( array( 0, 'the site goes on' ), array( $status, implode( "\n", $lines ) ) );
	},
);
