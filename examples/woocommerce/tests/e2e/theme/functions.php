<?php
/**
 * Says that the theme can show a shop.
 *
 * @package GalaxyPay\WooCommerce
 */

add_theme_support( 'woocommerce' );
