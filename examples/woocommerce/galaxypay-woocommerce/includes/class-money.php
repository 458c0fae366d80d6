<?php
/**
 * Amounts.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Amounts as decimal texts. They are compared by value and never rounded.
 */
class Money {

	/**
	 * The one spelling of an amount: no leading zeros, no zeros after the last digit behind the point.
	 *
	 * @param mixed $amount Number or text.
	 * @return string|null Null where it is no amount.
	 */
	public static function text( $amount ) {
		if ( is_float( $amount ) ) {
			$amount = sprintf( '%.4F', $amount );
		}
		if ( ! is_string( $amount ) && ! is_int( $amount ) ) {
			return null;
		}
		if ( ! preg_match( '/^([0-9]{1,15})(?:\.([0-9]{1,15}))?$/D', (string) $amount, $parts ) ) {
			return null;
		}
		$whole    = ltrim( $parts[1], '0' );
		$fraction = rtrim( isset( $parts[2] ) ? $parts[2] : '', '0' );
		return ( '' === $whole ? '0' : $whole ) . ( '' === $fraction ? '' : '.' . $fraction );
	}

	/**
	 * Whether two amounts have one value. What is no amount equals nothing.
	 *
	 * @param mixed $one   Number or text.
	 * @param mixed $other Number or text.
	 * @return bool
	 */
	public static function same( $one, $other ) {
		$one = self::text( $one );
		return null !== $one && self::text( $other ) === $one;
	}

	/**
	 * The amount as it is sent, or null where it cannot be paid: another currency, zero, or more digits than the currency has.
	 *
	 * @param mixed  $amount   Number or text.
	 * @param string $currency Code of the currency.
	 * @return string|null
	 */
	public static function payable( $amount, $currency ) {
		$currencies = Settings::currencies();
		$text       = self::text( $amount );
		if ( null === $text || '0' === $text || ! isset( $currencies[ $currency ] ) ) {
			return null;
		}
		$point  = strpos( $text, '.' );
		$digits = false === $point ? 0 : strlen( $text ) - $point - 1;
		return $digits <= $currencies[ $currency ] ? $text : null;
	}

	/**
	 * The sum of two amounts. Both must be amounts.
	 *
	 * @param mixed $one   Number or text.
	 * @param mixed $other Number or text.
	 * @return string
	 */
	public static function add( $one, $other ) {
		return self::text( round( (float) $one + (float) $other, 4 ) );
	}

	/**
	 * An amount for people, without HTML.
	 *
	 * @param string $amount   Number or text.
	 * @param string $currency Code of the currency.
	 * @return string
	 */
	public static function show( $amount, $currency ) {
		return trim( $amount . ' ' . $currency );
	}
}
