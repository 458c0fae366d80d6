<?php
/**
 * Opening payments.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
use GalaxyPay\WooCommerce\Gateway;
use GalaxyPay\WooCommerce\Money;
use GalaxyPay\WooCommerce\Order_Screen;
use GalaxyPay\WooCommerce\Payment;

return array(
	'a payment carries the order, its key and the addresses, and nothing secret' => function () {
		$id               = WC_Order::add( array( 'number' => 'K7M2-9Q-and-much-longer-than-twenty' ) );
		World::$answers[] = payment_page();
		same( 'https://pay.example/T1', Payment::start( $id ) );
		$call = World::$calls[0];
		same( 'http://localhost:9180/payWithOption', $call['url'] );
		same( "WCTEST-$id-1-pay", $call['args']['headers']['Idempotency-Key'] );
		same( array( 40, 0 ), array( $call['args']['timeout'], $call['args']['redirection'] ) );
		$want = array( 'apiOperation' => 'PAY', 'apiVersion' => '2', 'orderID' => "WCTEST-$id-1", 'orderNumber' => 'K7M2-9Q-and-much-lon', 'orderAmount' => '29000', 'orderCurrency' => 'VND', 'language' => 'en', 'ipnURL' => 'https://shop.example/galaxypay/ipn', 'successURL' => 'https://shop.example/galaxypay/result' );
		foreach ( $want as $field => $value ) {
			same( $value, $call['fields'][ $field ], $field );
		}
		same( array( 'open', 'T1', 'pending' ), array( attempt( $id )['state'], attempt( $id )['transaction'], row( $id )['status'] ) );
		same( array( array( 120, array( $id, 0 ) ) ), World::$planned );
	},
	'a language in the addresses of the shop is not in those for the gateway' => function () {
		World::$language  = '/vi';
		World::$answers[] = payment_page();
		Payment::start( WC_Order::add() );
		foreach ( array( 'ipnURL' => 'ipn', 'successURL' => 'result', 'failureURL' => 'result', 'cancelURL' => 'result' ) as $field => $name ) {
			same( "https://shop.example/galaxypay/$name", World::$calls[0]['fields'][ $field ], $field );
		}
	},
	'the attempt is saved before the call' => function () {
		$id               = WC_Order::add();
		World::$answers[] = function () use ( $id ) {
			same( 'sending', attempt( $id )['state'] );
			return payment_page();
		};
		Payment::start( $id );
	},
	'each choice of methods makes its call' => function () {
		$cases = array(
			'option'      => array( 'payWithOption', null, null ),
			'DOMESTIC'    => array( 'pay', 'DOMESTIC', null ),
			'WALLET:MOMO' => array( 'pay', 'WALLET', 'MOMO' ),
		);
		foreach ( $cases as $choice => $want ) {
			World::$options['woocommerce_galaxypay_settings'] = array( 'method' => $choice );
			World::$calls     = array();
			World::$answers[] = payment_page();
			Payment::start( WC_Order::add() );
			$fields = World::$calls[0]['fields'];
			same( $want, array( called()[0], $fields['paymentMethod'] ?? null, $fields['sourceType'] ?? null ), $choice );
		}
	},
	'an open payment is handed out again' => function () {
		$id               = opened();
		World::$answers[] = says( 'pending', $id );
		same( 'https://pay.example/T1', Payment::start( $id ) );
		same( array( 'query' ), called() );
	},
	'an open payment is handed out where the question has no answer' => function () {
		$id = opened();
		same( 'https://pay.example/T1', Payment::start( $id ) );
	},
	'a payment that is over makes way for the next attempt' => function () {
		$id             = opened();
		World::$answers = array( says( 'expired', $id ), payment_page( 'T2' ) );
		same( 'https://pay.example/T2', Payment::start( $id ) );
		same( "WCTEST-$id-2-pay", World::$calls[1]['args']['headers']['Idempotency-Key'] );
	},
	'a payment that turns out to be paid is not paid again' => function () {
		$id               = opened();
		World::$answers[] = says( 'paid', $id );
		same( "https://shop.example/received/$id?key=wc_order_$id", Payment::start( $id ) );
		same( 'processing', row( $id )['status'] );
		same( 1, World::$options['galaxypay_missed_ipns'] );
	},
	'another amount waits until the open payment is over' => function () {
		$id = opened();
		World::$orders[ $id ]['total'] = '58000';
		World::$answers[]              = says( 'pending', $id );
		throws( function () use ( $id ) { Payment::start( $id ); } );
		same( array( 'query' ), called() );
	},
	'an unknown outcome keeps the attempt, and the same key is used again' => function () {
		foreach ( array( problem( 'unknown', 'gateway_timeout' ), problem( 'rejected', 'transaction_duplicate' ), problem( 'unknown', 'in_progress' ), answer( 200, array( 'transactionID' => 'T1', 'endpoint' => 'https://evil.example/' ) ), array( 'status' => 200, 'body' => '<html>', 'headers' => array() ), new WP_Error( 'http_request_failed', 'cURL error 28: timed out' ), yes( array() ), yes( array( 'transactionID' => 'T1', 'endpoint' => 'https://evil.example/' ), array( 'Galaxypay-Verified' => 'false' ) ) ) as $n => $answer ) {
			World::$calls     = array();
			$id               = WC_Order::add();
			World::$answers[] = $answer;
			same( "https://shop.example/?galaxypay_wait=$id&key=wc_order_$id", Payment::start( $id ), "case $n" );
			same( array( 'unknown', 'pending' ), array( attempt( $id )['state'], row( $id )['status'] ), "case $n" );
			World::$answers[] = new WP_Error( 'http_request_failed', 'cURL error 7: refused' );
			Payment::start( $id );
			same( 'unknown', attempt( $id )['state'], "case $n: not sent now says nothing about the first time" );
			World::$answers[] = payment_page();
			same( 'https://pay.example/T1', Payment::start( $id ), "case $n" );
			same( 1, count( array_unique( array_map( function ( $call ) { return $call['args']['headers']['Idempotency-Key']; }, World::$calls ) ) ), "case $n" );
		}
	},
	'a crash in the middle of a call counts as unknown' => function () {
		$id               = WC_Order::add();
		World::$answers[] = function () { throw new Exception( 'crash' ); };
		throws( function () use ( $id ) { Payment::start( $id ); } );
		World::$answers[] = problem( 'not_sent', 'gateway_unreachable' );
		Payment::start( $id );
		same( 'unknown', attempt( $id )['state'] );
	},
	'what was not sent is tried again under the same key, with the amount of then' => function () {
		foreach ( array( problem( 'not_sent', 'fields_invalid' ), new WP_Error( 'http_request_failed', 'cURL error 7: Failed to connect' ), new WP_Error( 'http_request_not_executed', 'blocked' ) ) as $answer ) {
			World::$calls     = array();
			$id               = WC_Order::add();
			World::$answers[] = $answer;
			throws( function () use ( $id ) { Payment::start( $id ); } );
			same( array( 'not_sent', 'pending' ), array( attempt( $id )['state'], row( $id )['status'] ) );
			World::$orders[ $id ]['total'] = '58000';
			World::$answers[]              = payment_page();
			Payment::start( $id );
			same( array( '58000', World::$calls[0]['args']['headers']['Idempotency-Key'] ), array( World::$calls[1]['fields']['orderAmount'], World::$calls[1]['args']['headers']['Idempotency-Key'] ) );
			same( 1, count( row( $id )['meta']['_galaxypay_attempts'] ) );
		}
	},
	'a refusal ends the attempt, and the next one has another key' => function () {
		foreach ( array( 'gateway_bad_request', 'page_lost', 'payment_expired', 'settled' ) as $code ) {
			World::$calls     = array();
			$id               = WC_Order::add();
			World::$answers   = array( problem( 'rejected', $code ), payment_page() );
			throws( function () use ( $id ) { Payment::start( $id ); } );
			same( array( 'dead', 'pending' ), array( attempt( $id )['state'], row( $id )['status'] ), $code );
			Payment::start( $id );
			same( "WCTEST-$id-2-pay", World::$calls[1]['args']['headers']['Idempotency-Key'], $code );
		}
	},
	'the merchant can give up an attempt of unknown outcome, and no other' => function () {
		$id               = WC_Order::add();
		World::$answers[] = problem( 'unknown', 'gateway_timeout' );
		Payment::start( $id );
		same( array( 'galaxypay_give_up' ), array_keys( Order_Screen::actions( array(), wc_get_order( $id ) ) ) );
		Order_Screen::give_up( wc_get_order( $id ) );
		same( 'dead', attempt( $id )['state'] );
		$open = opened();
		Order_Screen::give_up( wc_get_order( $open ) );
		same( 'open', attempt( $open )['state'] );
	},
	'amounts that VND does not have are neither sent nor rounded' => function () {
		foreach ( array( '29000.5', '0', '0.00', '-1', '1e5', '29.000,00', '' ) as $total ) {
			World::$calls = array();
			$id           = WC_Order::add( array( 'total' => $total ) );
			throws( function () use ( $id ) { Payment::start( $id ); } );
			same( array(), World::$calls, $total );
		}
	},
	'one spelling for one amount' => function () {
		foreach ( array( array( '109000.00', '109000' ), array( 109000, '109000' ), array( 109000.0, '109000' ), array( '0109000', '109000' ), array( '0.50', '0.5' ), array( '', null ), array( '1,5', null ), array( null, null ), array( true, null ), array( "1\n", null ) ) as $case ) {
			same( $case[1], Money::text( $case[0] ), var_export( $case[0], true ) );
		}
		same( '0.3', Money::add( '0.1', '0.2' ) );
		same( false, Money::same( null, null ) );
	},
	'the method is offered for orders and carts that can be paid' => function () {
		$cart    = new class() {
			public $total = '29000';
			public function is_empty() { return false; }
			public function get_total( $context ) { return $this->total; }
		};
		$gateway = new Gateway();
		World::$options['cart'] = $cart;
		same( true, $gateway->is_available(), 'a cart in VND' );
		foreach ( array( '29000.5', '0' ) as $cart->total ) {
			same( false, $gateway->is_available(), $cart->total );
		}
		$cart->total                = '29000';
		World::$options['currency'] = 'USD';
		same( false, $gateway->is_available(), 'a cart in USD' );
		World::$options['query_order-pay'] = WC_Order::add();
		same( true, $gateway->is_available(), 'an order in VND in a shop in USD' );
		World::$options['query_order-pay'] = WC_Order::add( array( 'currency' => 'USD' ) );
		World::$options['currency']        = 'VND';
		same( false, $gateway->is_available(), 'an order in USD in a shop in VND' );
	},
	'the merchant learns that decimals hide the method' => function () {
		foreach ( array( array( 0, 'VND', false ), array( 2, 'VND', true ), array( 1, 'VND', true ), array( 2, 'USD', false ) ) as $case ) {
			World::$options['decimals'] = $case[0];
			World::$options['currency'] = $case[1];
			ob_start();
			( new Gateway() )->admin_options();
			same( $case[2], false !== strpos( ob_get_clean(), 'number of decimals' ), "$case[0] decimals of $case[1]" );
		}
	},
	'texts are in the language of the customer' => function () {
		World::$locale    = 'vi';
		World::$answers[] = payment_page();
		Payment::start( WC_Order::add() );
		same( 'vi', World::$calls[0]['fields']['language'] );
		same( 'vi', World::$calls[0]['args']['headers']['Accept-Language'] );
	},
	'Vietnam is seven hours ahead' => function () {
		same( '19700101070000', Payment::vietnam_time( 0 ) );
	},
	'nothing of the customer is in the log' => function () {
		World::$options['woocommerce_galaxypay_settings'] = array( 'log' => 'yes' );
		hear( opened(), 'paid' );
		GalaxyPay\WooCommerce\Log::error( 'text', array( 'billing_email' => 'khach@shop.test', 'key' => 'k' ) );
		same( array(), preg_grep( '/khach|pay\.example|Shop|wc_order/', World::$logs ) );
		same( true, count( World::$logs ) >= 3 );
	},
);
