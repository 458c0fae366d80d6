<?php
/**
 * The configuration of the shop that the tests make. All of it comes from the environment.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable WordPress.WP.GlobalVariablesOverride
define( 'DB_NAME', 'shop' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:' . getenv( 'SHOP_DATABASE' ) );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'WP_HOME', getenv( 'SHOP_URL' ) );
define( 'WP_SITEURL', getenv( 'SHOP_URL' ) );
foreach ( array( 'AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE' ) as $galaxypay_name ) {
	define( $galaxypay_name . '_KEY', 'test' );
	define( $galaxypay_name . '_SALT', 'test' );
}
// The shop may call the sidecar, and nothing in the internet. A proxy is set, too.
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.3' );
define( 'WP_PROXY_HOST', '127.0.0.1' );
define( 'WP_PROXY_PORT', getenv( 'SHOP_PROXY_PORT' ) );
define( 'DISABLE_WP_CRON', true );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'WP_DEBUG', true );
define( 'WP_DEBUG_DISPLAY', false );
define( 'WP_DEBUG_LOG', getenv( 'SHOP_LOG' ) );
if ( getenv( 'SHOP_NETWORK' ) ) {
	define( 'MULTISITE', true );
	define( 'SUBDOMAIN_INSTALL', false );
	define( 'DOMAIN_CURRENT_SITE', getenv( 'SHOP_NETWORK' ) );
	define( 'PATH_CURRENT_SITE', '/' );
	define( 'SITE_ID_CURRENT_SITE', 1 );
	define( 'BLOG_ID_CURRENT_SITE', 1 );
}
$table_prefix = 'wp_';
defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );
require_once ABSPATH . 'wp-settings.php';
