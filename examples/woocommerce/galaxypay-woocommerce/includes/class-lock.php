<?php
/**
 * One at a time for each order.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * A row in the table of options. Not a transient: those may live in a cache that forgets.
 */
class Lock {

	const PREFIX = 'galaxypay_lock_';

	/**
	 * Seconds after which the lock of a request that died may be taken. Longer than the longest call.
	 */
	const LIFE = 90;

	/**
	 * Name of the row.
	 *
	 * @var string
	 */
	private $name;

	/**
	 * Value of the row while it is ours.
	 *
	 * @var string
	 */
	private $value;

	/**
	 * Use take().
	 *
	 * @param string $name  Name of the row.
	 * @param string $value Value of the row.
	 */
	private function __construct( $name, $value ) {
		$this->name  = $name;
		$this->value = $value;
	}

	/**
	 * Takes the lock of an order.
	 *
	 * @param int   $order_id The order.
	 * @param float $patience Seconds to wait for another request.
	 * @return Lock
	 * @throws Busy Where the other request takes longer.
	 */
	public static function take( $order_id, $patience = 10.0 ) {
		$name  = self::PREFIX . (int) $order_id;
		$until = microtime( true ) + $patience;
		do {
			$value = ( time() + self::LIFE ) . ':' . wp_generate_password( 20, false );
			if ( self::insert( $name, $value ) || self::take_over( $name, $value ) ) {
				return new Lock( $name, $value );
			}
			usleep( 50000 );
		} while ( microtime( true ) < $until );
		throw new Busy( esc_html__( 'Another request works on this order. Please try again in a minute.', 'galaxypay-woocommerce' ) );
	}

	/**
	 * Gives the lock back, if it is still ours.
	 */
	public function release() {
		global $wpdb;
		$wpdb->query( $wpdb->prepare( "DELETE FROM {$wpdb->options} WHERE option_name = %s AND option_value = %s", $this->name, $this->value ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}

	/**
	 * Takes a free lock.
	 *
	 * @param string $name  Name of the row.
	 * @param string $value Value of the row.
	 * @return bool
	 */
	private static function insert( $name, $value ) {
		global $wpdb;
		return 1 === $wpdb->query( $wpdb->prepare( "INSERT IGNORE INTO {$wpdb->options} (option_name, option_value, autoload) VALUES (%s, %s, 'no')", $name, $value ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}

	/**
	 * Takes the lock of a request that died.
	 *
	 * @param string $name  Name of the row.
	 * @param string $value Value of the row.
	 * @return bool
	 */
	private static function take_over( $name, $value ) {
		global $wpdb;
		$old = (string) $wpdb->get_var( $wpdb->prepare( "SELECT option_value FROM {$wpdb->options} WHERE option_name = %s", $name ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
		if ( '' === $old || (int) $old > time() ) {
			return false;
		}
		return 1 === $wpdb->query( $wpdb->prepare( "UPDATE {$wpdb->options} SET option_value = %s WHERE option_name = %s AND option_value = %s", $value, $name, $old ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}
}
