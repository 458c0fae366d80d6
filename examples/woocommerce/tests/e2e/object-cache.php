<?php
/**
 * A cache that forgets everything at once, as a full one does at the worst time.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
function wp_cache_init() {}
function wp_cache_add( $key, $data, $group = '', $expire = 0 ) { return true; }
function wp_cache_set( $key, $data, $group = '', $expire = 0 ) { return true; }
function wp_cache_replace( $key, $data, $group = '', $expire = 0 ) { return false; }
function wp_cache_get( $key, $group = '', $force = false, &$found = null ) { $found = false; return false; }
function wp_cache_delete( $key, $group = '' ) { return true; }
function wp_cache_incr( $key, $offset = 1, $group = '' ) { return false; }
function wp_cache_decr( $key, $offset = 1, $group = '' ) { return false; }
function wp_cache_flush() { return true; }
function wp_cache_close() { return true; }
function wp_cache_add_global_groups( $groups ) {}
function wp_cache_add_non_persistent_groups( $groups ) {}
function wp_cache_switch_to_blog( $site ) {}
