<?php
/**
 * Refunds.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
use GalaxyPay\WooCommerce\Gateway;
use GalaxyPay\WooCommerce\Order_Screen;

/** An order that was paid. */
function paid_order() {
	$id = opened();
	hear( $id, 'paid' );
	World::$calls = array();
	return $id;
}
/** Presses the button; returns true or the sentence. */
function refund( $id, $amount, $answer = null ) {
	if ( null !== $answer ) {
		World::$answers[] = $answer;
	}
	$result = ( new Gateway() )->process_refund( $id, $amount, 'Broken' );
	return is_wp_error( $result ) ? $result->get_error_message() : $result;
}
/** Keys of the calls. */
function keys() {
	return array_map( function ( $call ) { return $call['args']['headers']['Idempotency-Key']; }, World::$calls );
}

return array(
	'parts and the rest have keys of their own' => function () {
		$id = paid_order();
		foreach ( array( '9000', 9000.0, '11000' ) as $amount ) {
			same( true, refund( $id, $amount, yes( array() ) ) );
		}
		same( array( "WCTEST-$id-1-R9000-1", "WCTEST-$id-1-R18000-1", "WCTEST-$id-1-R29000-1" ), keys() );
		same( array( 'T1', "WCTEST-$id-1", '9000', 'VND', 'Broken' ), array_values( array_intersect_key( World::$calls[0]['fields'], array_flip( array( 'transactionID', 'orderID', 'orderAmount', 'orderCurrency', 'orderDescription' ) ) ) ) );
	},
	'after an unknown outcome only the same refund can be repeated, under its key' => function () {
		$id = paid_order();
		same( true, false !== strpos( refund( $id, '9000', problem( 'unknown', 'gateway_no_answer' ) ), "(WCTEST-$id-1-R9000-1)" ), 'the key is named, to settle it by' );
		same( true, is_string( refund( $id, '5000' ) ), 'another amount' );
		same( true, is_string( refund( $id, '9000', problem( 'not_sent', 'sidecar_unreachable' ) ) ), 'not sent now says nothing about the first time' );
		same( true, is_string( refund( $id, '5000' ) ), 'another amount, again' );
		same( true, refund( $id, '9000.00', yes( array() ) ) );
		same( array( "WCTEST-$id-1-R9000-1" ), array_values( array_unique( keys() ) ) );
		same( 3, count( World::$calls ) );
	},
	'a crash in the middle of a refund counts as unknown' => function () {
		$id = paid_order();
		throws( function () use ( $id ) { refund( $id, '9000', function () { throw new Exception( 'crash' ); } ); } );
		refund( $id, '9000', problem( 'not_sent', 'overloaded' ) );
		same( true, is_string( refund( $id, '5000' ) ) );
		same( 2, count( World::$calls ) );
	},
	'a duplicate is the first one, and is recorded' => function () {
		$id = paid_order();
		refund( $id, '9000', problem( 'unknown', 'gateway_timeout' ) );
		same( true, refund( $id, '9000', problem( 'unknown', 'transaction_duplicate' ) ) );
		same( 1, noted( $id, 'please check' ) );
	},
	'a refusal is reported, and the next refund has another key' => function () {
		$id = paid_order();
		same( true, false !== strpos( refund( $id, '9000', problem( 'rejected', 'gateway_bad_request' ) ), 'Because.' ) );
		same( true, refund( $id, '9000', yes( array() ) ) );
		same( array( "WCTEST-$id-1-R9000-1", "WCTEST-$id-1-R9000-2" ), keys() );
	},
	'what was not sent leaves nothing behind' => function () {
		$id = paid_order();
		refund( $id, '9000', problem( 'not_sent', 'gateway_unreachable' ) );
		same( true, refund( $id, '5000', yes( array() ) ) );
	},
	'fractions and orders that Galaxy Pay has not paid are refused here' => function () {
		$id = paid_order();
		foreach ( array( '0.5', '0', null, '-1' ) as $amount ) {
			same( true, is_string( refund( $id, $amount ) ), var_export( $amount, true ) );
		}
		same( true, is_string( refund( opened(), '9000' ) ) );
		same( true, is_string( refund( 999, '9000' ) ) );
		same( array(), World::$calls );
	},
	'a status set by hand moves no money, and says so' => function () {
		$id = paid_order();
		Order_Screen::set_by_hand( $id, wc_get_order( $id ) );
		same( array( 1, array() ), array( noted( $id, 'gives no money back' ), World::$calls ) );
		refund( $id, '29000', yes( array() ) );
		Order_Screen::set_by_hand( $id, wc_get_order( $id ) );
		same( 1, noted( $id, 'gives no money back' ) );
		$unpaid = opened();
		Order_Screen::set_by_hand( $unpaid, wc_get_order( $unpaid ) );
		same( 0, noted( $unpaid, 'gives no money back' ) );
	},
);
