<?php
/**
 * Another request works on the order.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Thrown where an order stays locked for too long. Nothing was done; try again.
 */
class Busy extends \Exception {}
