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
	remove_planned_questions();
}

/**
 * Removes the planned questions and what was logged about them. Not by the functions of Action Scheduler: it comes with WooCommerce,
 * which may be deactivated, or may never have run on this site.
 */
function remove_planned_questions() {
	global $wpdb;
	$table = $wpdb->prefix . 'actionscheduler_actions';
	if ( $table !== $wpdb->get_var( $wpdb->prepare( 'SHOW TABLES LIKE %s', $wpdb->esc_like( $table ) ) ) ) { // phpcs:ignore WordPress.DB.DirectDatabaseQuery
		return;
	}
	$wpdb->query( $wpdb->prepare( "DELETE action, log FROM {$wpdb->prefix}actionscheduler_actions action LEFT JOIN {$wpdb->prefix}actionscheduler_logs log ON log.action_id = action.action_id WHERE action.hook = %s", 'galaxypay_ask' ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
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
