<?php
/**
 * Who is believed, and what the customer sees.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
use GalaxyPay\WooCommerce\Callbacks;
use GalaxyPay\WooCommerce\Connection_Test;
use GalaxyPay\WooCommerce\Questions;
use GalaxyPay\WooCommerce\Waiting_Page;

/** A browser that comes back. */
function back( $id, array $headers = array() ) {
	$headers += array( 'Galaxypay-Callback' => 'result', 'Galaxypay-Payment-Status' => 'paid', 'Galaxypay-Order-Id' => "WCTEST-$id-1" );
	return Callbacks::result( new WP_REST_Request( $headers ) )->headers['Location'];
}

return array(
	'a message without the sidecar\'s header is refused' => function () {
		$id = opened();
		foreach ( array( '', 'IPN', 'result', 'cancel', 'ipn, ipn' ) as $kind ) {
			same( 'refused', hear( $id, 'paid', array( 'Galaxypay-Callback' => $kind ) ), $kind );
		}
		same( '200', hear( $id, 'paid', array( 'Galaxypay-Callback' => 'query' ) ) );
	},
	'where a password is set, it must be there' => function () {
		World::$options['woocommerce_galaxypay_settings'] = array( 'password' => 'secret' );
		$id = opened();
		foreach ( array( '', 'Secret', 'secret ' ) as $password ) {
			same( 'refused', hear( $id, 'paid', array( 'Galaxypay-Password' => $password ) ) );
			same( 'https://shop.example/myaccount', back( $id, array( 'Galaxypay-Password' => $password ) ) );
		}
		same( '200', hear( $id, 'paid', array( 'Galaxypay-Password' => 'secret' ) ) );
	},
	'the browser\'s word changes nothing: the gateway is asked' => function () {
		$id               = opened();
		World::$answers[] = says( 'pending', $id );
		same( "https://shop.example/?galaxypay_wait=$id&key=wc_order_$id", back( $id ) );
		same( 'pending', row( $id )['status'] );
		World::$answers[] = says( 'paid', $id );
		same( "https://shop.example/received/$id?key=wc_order_$id", back( $id ) );
		same( 'processing', row( $id )['status'] );
	},
	'a customer whose payment is over may pay again, and keeps the cart' => function () {
		$id               = opened();
		World::$answers[] = says( 'cancelled', $id );
		same( "https://shop.example/pay/$id?key=wc_order_$id", back( $id, array( 'Galaxypay-Callback' => 'cancel' ) ) );
	},
	'strangers get no key' => function () {
		$id = opened();
		foreach ( array( array( 'Galaxypay-Callback' => '' ), array( 'Galaxypay-Callback' => 'ipn' ), array( 'Galaxypay-Order-Id' => "WCTEST-$id-2" ), array( 'Galaxypay-Order-Id' => "X-$id-1" ), array( 'Galaxypay-Order-Id' => '' ) ) as $headers ) {
			same( 'https://shop.example/myaccount', back( $id, $headers ) );
		}
		same( array(), World::$calls );
		foreach ( array( array( $id, 'wrong' ), array( $id, '' ), array( $id, null ), array( $id, array( 'wc_order' ) ), array( 999, "wc_order_$id" ), array( array( $id ), "wc_order_$id" ) ) as $case ) {
			same( false, Callbacks::has_key( new WP_REST_Request( array(), '', array( 'order' => $case[0], 'key' => $case[1] ) ) ) );
		}
	},
	'the waiting page learns the status and nothing else' => function () {
		$id      = opened();
		$request = new WP_REST_Request( array(), '', array( 'order' => $id, 'key' => "wc_order_$id" ) );
		same( true, Callbacks::has_key( $request ) );
		same( array( 'status' => 'waiting' ), Callbacks::status( $request )->data );
		hear( $id, 'cancelled' );
		same( array( 'status' => 'over' ), Callbacks::status( $request )->data );
		hear( $id, 'paid' );
		same( array( 'status' => 'paid' ), Callbacks::status( $request )->data );
		same( 'no-store', Callbacks::status( $request )->headers['Cache-Control'] );
	},
	'a held order makes the customer wait, a cancelled one does not' => function () {
		$id = opened();
		hear( $id, 'paid', array(), array( 'orderAmount' => '1' ) );
		same( 'waiting', Waiting_Page::status( wc_get_order( $id ) ) );
		$id = opened();
		hear( $id, 'expired' );
		World::$orders[ $id ]['status'] = 'cancelled';
		same( 'over', Waiting_Page::status( wc_get_order( $id ) ) );
	},
	'bodies of any kind are read' => function () {
		$id = opened();
		foreach ( array( '', 'null', '[]', '{"responseData":"x"}', '{"responseData":{"orderAmount":{}}}' ) as $body ) {
			$headers = array( 'Galaxypay-Callback' => 'ipn', 'Galaxypay-Payment-Status' => 'paid', 'Galaxypay-Order-Id' => "WCTEST-$id-1", 'Galaxypay-Transaction-Id' => 'T1' );
			Callbacks::ipn( new WP_REST_Request( $headers, $body ) );
			same( null, row( $id )['paid'], $body );
		}
	},
	'a token that comes with an IPN is neither kept nor logged' => function () {
		World::$options['woocommerce_galaxypay_settings'] = array( 'log' => 'yes' );
		$id    = opened();
		$token = '9704' . str_repeat( 'AB', 16 );
		same( '200', hear( $id, 'paid', array(), array( 'tokenization' => array( 'token' => $token, 'accountNumber' => '970400xxxx0018', 'accountName' => 'NGUYEN VAN A', 'status' => '200' ) ) ) );
		same( 'processing', row( $id )['status'] );
		$kept = json_encode( array( World::$orders, World::$options, World::$logs, World::$mails ) );
		foreach ( array( $token, '970400xxxx0018', 'NGUYEN VAN A' ) as $secret ) {
			same( false, strpos( $kept, $secret ), $secret );
		}
	},
	'a REST API that is closed to guests is open to the sidecar, and to nothing else' => function () {
		$closed = new WP_Error( 'closed', '' );
		foreach ( array( '/galaxypay/v1/ipn' => true, '/galaxypay/v1/ipn/' => true, '/galaxypay/v1/other' => $closed, '/wp/v2/users' => $closed ) as $route => $want ) {
			$GLOBALS['wp'] = (object) array( 'query_vars' => array( 'rest_route' => $route ) );
			same( $want, Callbacks::open_to_the_sidecar( $closed ), $route );
		}
	},
	'an open payment keeps its order, one that is over does not' => function () {
		$cases = array(
			'open'      => array( 'pending', false, 'pending' ),
			'no answer' => array( null, false, 'pending' ),
			'paid'      => array( 'paid', false, 'processing' ),
			'expired'   => array( 'expired', true, 'pending' ),
			'failed'    => array( 'failed', false, 'failed' ),
		);
		foreach ( $cases as $name => $case ) {
			$id = opened();
			World::$answers = null === $case[0] ? array() : array( says( $case[0], $id ) );
			same( array( $case[1], $case[2] ), array( Questions::may_cancel( true, wc_get_order( $id ) ), row( $id )['status'] ), $name );
		}
	},
	'no stays no, and orders of other methods are not ours' => function () {
		$id = opened();
		same( false, Questions::may_cancel( false, wc_get_order( $id ) ) );
		same( true, Questions::may_cancel( true, wc_get_order( WC_Order::add( array( 'method' => 'cod' ) ) ) ) );
		same( true, Questions::may_cancel( true, wc_get_order( WC_Order::add() ) ), 'never sent' );
		same( array(), World::$calls );
	},
	'an unknown payment keeps its order for a day' => function () {
		$id               = WC_Order::add();
		World::$answers[] = problem( 'unknown', 'gateway_timeout' );
		GalaxyPay\WooCommerce\Payment::start( $id );
		same( false, Questions::may_cancel( true, wc_get_order( $id ) ) );
		World::$orders[ $id ]['meta']['_galaxypay_attempts'][0]['created'] = time() - 90000;
		same( true, Questions::may_cancel( true, wc_get_order( $id ) ) );
	},
	'questions go on while the payment is open, and end' => function () {
		$id             = opened();
		World::$planned = array();
		World::$answers = array( says( 'pending', $id ), says( 'paid', $id ) );
		Questions::ask_by_schedule( $id, 0 );
		Questions::ask_by_schedule( $id, 1 );
		same( array( array( 300, array( $id, 1 ) ) ), World::$planned );
		same( 'processing', row( $id )['status'] );
		$open = opened();
		World::$planned = array();
		Questions::ask_by_schedule( $open, count( Questions::DELAYS ) - 1 );
		same( array(), World::$planned );
	},
	'an answer about another payment is not taken' => function () {
		foreach ( array( array( 1, 'T2' ), array( 2, 'T1' ) ) as $case ) {
			$id               = opened();
			World::$answers[] = says( 'paid', $id, $case[0], $case[1] );
			Questions::ask( $id );
			same( 'pending', row( $id )['status'] );
		}
		same( 2, count( preg_grep( '/another payment than the question/', World::$logs ) ) );
	},
	'an answer that the sidecar could not prove is not taken' => function () {
		$id                                   = opened();
		$answer                               = says( 'paid', $id );
		$answer['headers']['galaxypay-verified'] = 'false';
		World::$answers[]                     = $answer;
		Questions::ask( $id );
		same( 'pending', row( $id )['status'] );
	},
	'an answer with another amount is held' => function () {
		$id               = opened();
		World::$answers[] = says( 'paid', $id, 1, 'T1', '28000' );
		Questions::ask( $id );
		same( 'on-hold', row( $id )['status'] );
	},
	'an IPN ends the warning that none come' => function () {
		World::$options['galaxypay_missed_ipns'] = 3;
		hear( opened(), 'paid' );
		same( false, isset( World::$options['galaxypay_missed_ipns'] ) );
	},
	'the test says what is wrong' => function () {
		$cases = array(
			array( new WP_Error( 'http_request_failed', 'cURL error 7: refused' ), 'Nothing answers at' ),
			array( problem( 'not_sent', 'caller_not_allowed' ), 'allow' ),
			array( problem( 'rejected', 'gateway_unauthorized' ), 'key pair. Check' ),
			array( problem( 'rejected', 'gateway_bad_request' ), 'Good' ),
			array( problem( 'not_sent', 'gateway_unreachable' ), 'does not work' ),
			array( array( 'status' => 200, 'body' => '<html>', 'headers' => array() ), 'is not the sidecar' ),
		);
		foreach ( $cases as $case ) {
			World::$answers[] = $case[0];
			same( true, false !== strpos( Connection_Test::gateway(), $case[1] ), $case[1] );
		}
		foreach ( array( array( answer( 400, array( 'code' => 'callback_malformed' ) ), 'Good' ), array( answer( 403, array( 'code' => 'galaxypay_not_proven' ) ), 'does not guard' ), array( answer( 404, array() ), 'HTTP %2$d' ), array( new WP_Error( 'x', 'no route' ), 'cannot be reached' ) ) as $case ) {
			World::$answers[] = $case[0];
			same( true, false !== strpos( Connection_Test::callback(), str_replace( '%2$d', '404', $case[1] ) ), $case[1] );
		}
	},
);
