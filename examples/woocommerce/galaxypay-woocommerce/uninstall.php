<?php
/**
 * Removes what this plugin has made. What orders know of their payments stays: refunds need it.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

/**
 * Removes options, locks and planned questions of one site.
 */
function remove_from_site() {
	global $wpdb;
	foreach ( array( 'woocommerce_galaxypay_settings', 'galaxypay_shop_prefix', 'galaxypay_missed_ipns' ) as $option ) {
		delete_option( $option );
	}
	$wpdb->query( $wpdb->prepare( "DELETE FROM {$wpdb->options} WHERE option_name LIKE %s", $wpdb->esc_like( 'galaxypay_lock_' ) . '%' ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	if ( function_exists( 'as_unschedule_all_actions' ) ) {
		as_unschedule_all_actions( '', array(), 'galaxypay' );
	}
}

if ( ! is_multisite() ) {
	remove_from_site();
	return;
}
foreach ( get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) as $galaxypay_site ) { // phpcs:ignore WordPress.Arrays.ArrayDeclarationSpacing
	switch_to_blog( $galaxypay_site );
	remove_from_site();
	restore_current_blog();
}
