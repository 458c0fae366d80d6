<?php
/**
 * The log.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Writes to WooCommerce's log. Only listed fields get there, so no name, address or password can.
 */
class Log {

	const FIELDS = array( 'operation', 'key', 'order', 'attempt', 'status', 'outcome', 'code', 'http', 'transaction', 'amount', 'currency', 'source' );

	/**
	 * Errors are always logged.
	 *
	 * @param string $text   What happened.
	 * @param array  $fields Details; what FIELDS does not list is left out.
	 */
	public static function error( $text, array $fields = array() ) {
		wc_get_logger()->error( self::line( $text, $fields ), array( 'source' => 'galaxypay' ) );
	}

	/**
	 * Other lines are logged where the merchant wants them.
	 *
	 * @param string $text   What happened.
	 * @param array  $fields Details; what FIELDS does not list is left out.
	 */
	public static function info( $text, array $fields = array() ) {
		if ( 'yes' === Settings::get( 'log' ) ) {
			wc_get_logger()->info( self::line( $text, $fields ), array( 'source' => 'galaxypay' ) );
		}
	}

	/**
	 * One line of text.
	 *
	 * @param string $text   What happened.
	 * @param array  $fields Details.
	 * @return string
	 */
	private static function line( $text, array $fields ) {
		$known = array_intersect_key( $fields, array_flip( self::FIELDS ) );
		return $known ? $text . ' ' . wp_json_encode( $known ) : $text;
	}
}
