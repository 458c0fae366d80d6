<?php
/**
 * Words and orders for the tests.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
use GalaxyPay\WooCommerce\Attempts;
use GalaxyPay\WooCommerce\Callbacks;
use GalaxyPay\WooCommerce\Payment;
use GalaxyPay\WooCommerce\Word;

/** The gateway's answer to pay. */
function payment_page( $transaction = 'T1' ) {
	return yes( array( 'transactionID' => $transaction, 'endpoint' => "https://pay.example/$transaction" ) );
}

/** The gateway's answer to query, with this payment status. */
function says( $status, $id, $attempt = 1, $transaction = 'T1', $amount = '29000' ) {
	return yes( array( 'transactionID' => $transaction, 'orderID' => "WCTEST-$id-$attempt", 'orderAmount' => $amount, 'orderCurrency' => 'VND' ), array( 'Galaxypay-Payment-Status' => $status ) );
}

/** An order whose payment page is open. */
function opened( array $row = array() ) {
	$id               = WC_Order::add( $row );
	World::$answers[] = payment_page();
	Payment::start( $id );
	World::$calls = array();
	return $id;
}

/** Headers and body of an IPN about the order's first attempt. */
function ipn( $id, $status, array $headers = array(), array $data = array() ) {
	$headers += array( 'Galaxypay-Callback' => 'ipn', 'Galaxypay-Payment-Status' => $status, 'Galaxypay-Order-Id' => "WCTEST-$id-1", 'Galaxypay-Transaction-Id' => 'T1' );
	$data    += array( 'orderAmount' => '29000', 'orderCurrency' => 'VND' );
	return new WP_REST_Request( $headers, json_encode( array( 'responseCode' => '200', 'responseData' => $data ) ) );
}

/** Sends an IPN, and returns what the shop answers. */
function hear( $id, $status, array $headers = array(), array $data = array() ) {
	$request = ipn( $id, $status, $headers, $data );
	if ( true !== Callbacks::is_proven_ipn( $request ) ) {
		return 'refused';
	}
	$response = Callbacks::ipn( $request );
	return $response->data['ipnStatus'];
}

/** The row of an order in the database. */
function row( $id ) { return World::$orders[ $id ]; }

/** How many notes of an order have this text. */
function noted( $id, $text ) {
	return count( array_filter( row( $id )['notes'], function ( $note ) use ( $text ) { return false !== strpos( $note, $text ); } ) );
}

/** An attempt of an order. */
function attempt( $id, $n = 1 ) { return row( $id )['meta'][ Attempts::META ][ $n - 1 ]; }

/** Operations that were called. */
function called() {
	return array_map( function ( $call ) { return substr( $call['url'], strrpos( $call['url'], '/' ) + 1 ); }, World::$calls );
}
