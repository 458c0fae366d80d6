<?php
/**
 * What proven messages do to orders.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
use GalaxyPay\WooCommerce\Lock;
use GalaxyPay\WooCommerce\Orders;

return array(
	'paid pays the order once' => function () {
		$id = opened();
		same( '200', hear( $id, 'paid' ) );
		same( array( 'processing', 'T1', -1 ), array( row( $id )['status'], row( $id )['transaction'], row( $id )['stock'] ) );
		same( '409', hear( $id, 'paid' ), 'the answer to the repeated message' );
		same( 1, noted( $id, 'paid with transaction' ), 'notes' );
		same( 'paid', attempt( $id )['state'] );
	},
	'WooCommerce chooses the status of a paid order, and nothing before it is paid' => function () {
		foreach ( array( 'processing', 'completed', 'of-another-plugin' ) as $status ) {
			$id = opened( array( 'after_payment' => $status ) );
			same( array( 'pending', 0 ), array( row( $id )['status'], row( $id )['stock'] ), $status );
			hear( $id, 'paid' );
			same( array( $status, -1, 'T1' ), array( row( $id )['status'], row( $id )['stock'], row( $id )['transaction'] ), $status );
		}
	},
	'the same payment by question and by IPN is settled once' => function () {
		$id               = opened();
		World::$answers[] = says( 'paid', $id );
		GalaxyPay\WooCommerce\Questions::ask( $id );
		same( '409', hear( $id, 'paid', array( 'Galaxypay-Delivery-Id' => 'another' ) ) );
		same( -1, row( $id )['stock'] );
	},
	'the transaction is remembered, even if its news are forgotten' => function () {
		$id = opened();
		hear( $id, 'paid' );
		unset( World::$orders[ $id ]['meta'][ Orders::HEARD ] );
		hear( $id, 'paid' );
		same( array( -1, 1, 0 ), array( row( $id )['stock'], noted( $id, 'paid with transaction' ), count( World::$mails ) ) );
	},
	'late failures undo nothing' => function () {
		foreach ( array( 'failed', 'cancelled', 'expired' ) as $status ) {
			$id = opened();
			hear( $id, 'paid' );
			same( '200', hear( $id, $status ), $status );
			same( 'processing', row( $id )['status'], $status );
			same( 'paid', attempt( $id )['state'], $status );
		}
	},
	'only failed sets the status failed, and all three end the attempt' => function () {
		foreach ( array( 'failed' => 'failed', 'cancelled' => 'pending', 'expired' => 'pending' ) as $status => $want ) {
			$id = opened();
			same( '200', hear( $id, $status ), $status );
			same( array( $want, 'dead', 1 ), array( row( $id )['status'], attempt( $id )['state'], noted( $id, 'is over' ) ), $status );
			hear( $id, $status );
			same( 1, noted( $id, 'is over' ), $status );
		}
	},
	'a failure of the first attempt leaves the second one alone' => function () {
		$id = opened();
		hear( $id, 'cancelled' );
		World::$answers[] = payment_page( 'T2' );
		GalaxyPay\WooCommerce\Payment::start( $id );
		hear( $id, 'failed' );
		same( array( 'pending', 'open' ), array( row( $id )['status'], attempt( $id, 2 )['state'] ) );
	},
	'failed, then paid on the same page, is paid' => function () {
		$id = opened();
		hear( $id, 'failed' );
		hear( $id, 'paid' );
		same( 'processing', row( $id )['status'] );
	},
	'paid after a refund is a note and a mail only' => function () {
		$id = opened( array( 'status' => 'pending' ) );
		World::$orders[ $id ]['status']  = 'refunded';
		World::$orders[ $id ]['refunds'] = array( 'one' );
		same( '200', hear( $id, 'paid' ) );
		same( array( 'refunded', 0, 1 ), array( row( $id )['status'], row( $id )['stock'], count( World::$mails ) ) );
		same( 1, noted( $id, 'refunded before' ) );
	},
	'paid is a note and a mail only where the order has refunds or was paid' => function () {
		foreach ( array( array( 'refunds' => array( 'one' ) ), array( 'paid' => time() ) ) as $change ) {
			$id                    = opened();
			World::$orders[ $id ] = $change + World::$orders[ $id ];
			hear( $id, 'paid' );
			same( array( 'pending', 0 ), array( row( $id )['status'], row( $id )['stock'] ) );
			same( 1, noted( $id, 'refunded before' ) );
		}
	},
	'paid after a cancelled order pays it, and tells the merchant to look at the stock' => function () {
		$id = opened();
		World::$orders[ $id ]['status'] = 'cancelled';
		hear( $id, 'paid' );
		same( array( 'processing', 1, 1 ), array( row( $id )['status'], noted( $id, 'still in stock' ), count( World::$mails ) ) );
	},
	'a second payment is reported, and the order stays' => function () {
		$id = opened();
		hear( $id, 'cancelled' );
		World::$answers[] = payment_page( 'T2' );
		GalaxyPay\WooCommerce\Payment::start( $id );
		$second = array( 'Galaxypay-Order-Id' => "WCTEST-$id-2", 'Galaxypay-Transaction-Id' => 'T2' );
		hear( $id, 'paid', $second );
		same( '200', hear( $id, 'paid' ) );
		same( array( 'T2', -1, 1 ), array( row( $id )['transaction'], row( $id )['stock'], noted( $id, 'paid twice' ) ) );
		same( '409', hear( $id, 'paid' ) );
		same( 1, count( World::$mails ) );
	},
	'amounts and currencies that do not fit are held' => function () {
		$cases = array(
			'less'                     => array( 'orderAmount' => '28999' ),
			'more'                     => array( 'orderAmount' => '29001' ),
			'a fraction'               => array( 'orderAmount' => '29000.01' ),
			'separators'               => array( 'orderAmount' => '29.000' ),
			'no amount'                => array( 'orderAmount' => null ),
			'a list'                   => array( 'orderAmount' => array( '29000' ) ),
			'an exponent'              => array( 'orderAmount' => '29e3' ),
			'another currency'         => array( 'orderCurrency' => 'USD' ),
			'no currency, not matched' => array( 'orderCurrency' => '' ),
		);
		foreach ( $cases as $name => $data ) {
			$id = opened();
			same( '200', hear( $id, 'paid', array(), $data ), $name );
			same( array( 'on-hold', null, 0 ), array( row( $id )['status'], row( $id )['paid'], row( $id )['stock'] ), $name );
			same( '409', hear( $id, 'paid', array(), $data ), $name );
			same( 1, noted( $id, 'not marked as paid' ), $name );
		}
	},
	'amounts are compared by value' => function () {
		foreach ( array( '29000', '29000.00', 29000, 29000.0, '029000' ) as $amount ) {
			$id = opened();
			hear( $id, 'paid', array(), array( 'orderAmount' => $amount ) );
			same( 'processing', row( $id )['status'], var_export( $amount, true ) );
		}
	},
	'a currency may be missing where the sidecar found the call' => function () {
		$id = opened();
		hear( $id, 'paid', array( 'Galaxypay-Order' => 'matched' ), array( 'orderCurrency' => '' ) );
		same( 'processing', row( $id )['status'] );
	},
	'an order that was changed while the page was open is held' => function () {
		$id = opened();
		World::$orders[ $id ]['total'] = '58000';
		hear( $id, 'paid' );
		same( 'on-hold', row( $id )['status'] );
		$id = opened();
		World::$orders[ $id ]['total'] = '58000';
		hear( $id, 'paid', array(), array( 'orderAmount' => '58000' ) );
		same( 'on-hold', row( $id )['status'], 'an amount that fits the order, and not the attempt' );
	},
	'disputed and mismatched are held, and never paid' => function () {
		foreach ( array( array( 'disputed', '' ), array( 'paid', 'mismatched' ), array( 'disputed', 'mismatched' ) ) as $case ) {
			$id = opened();
			same( '200', hear( $id, $case[0], array( 'Galaxypay-Order' => $case[1] ) ) );
			same( array( 'on-hold', null, 1 ), array( row( $id )['status'], row( $id )['paid'], noted( $id, 'does not fit' ) ) );
		}
	},
	'a dispute does not touch a paid order' => function () {
		$id = opened();
		hear( $id, 'paid' );
		hear( $id, 'disputed' );
		same( array( 'processing', 1 ), array( row( $id )['status'], noted( $id, 'does not fit' ) ) );
	},
	'echoes of refunds and open payments change nothing' => function () {
		$id = opened();
		hear( $id, 'paid' );
		$before = row( $id );
		foreach ( array( array( 'none', 'refund' ), array( 'paid', 'refund' ), array( 'paid', 'void' ), array( 'pending', '' ), array( 'open', '' ), array( '', '' ) ) as $case ) {
			same( '200', hear( $id, $case[0], array( 'Galaxypay-Operation' => $case[1], 'Galaxypay-Transaction-Id' => 'T9' ) ), $case[0] );
			same( $before, row( $id ), $case[0] );
		}
	},
	'a status of tomorrow is a note' => function () {
		$id = opened();
		same( '200', hear( $id, 'authorized' ) );
		same( array( 'pending', 1 ), array( row( $id )['status'], noted( $id, 'authorized' ) ) );
	},
	'orders that are gone, in the trash or of others are not found, and logged' => function () {
		$gone = opened();
		unset( World::$orders[ $gone ] );
		same( '404', hear( $gone, 'paid' ) );
		$trashed = opened();
		World::$orders[ $trashed ]['status'] = 'trash';
		same( '404', hear( $trashed, 'paid' ) );
		$id = opened();
		foreach ( array( "WCTEST-$id-2", "OTHER-$id-1", "WCTEST-$id-1x", "WCTEST-$id-01", (string) $id, '', '../1', "WCTEST-$id-1\n" ) as $name ) {
			same( '404', hear( $id, 'paid', array( 'Galaxypay-Order-Id' => rawurlencode( $name ) ) ), $name );
		}
		same( 'pending', row( $id )['status'] );
		same( 10, count( preg_grep( '/^error No order/', World::$logs ) ) );
	},
	'the internal id finds the order, whatever its number is' => function () {
		$other = opened();
		$id    = opened( array( 'number' => (string) $other ) );
		hear( $id, 'paid' );
		same( array( 'pending', 'processing' ), array( row( $other )['status'], row( $id )['status'] ) );
	},
	'an order that was paid in another way since is not touched' => function () {
		$id = opened();
		World::$orders[ $id ]['method'] = 'cod';
		same( '200', hear( $id, 'paid' ) );
		same( array( 'pending', null, 1 ), array( row( $id )['status'], row( $id )['paid'], count( World::$mails ) ) );
		hear( $id, 'failed' );
		same( 'pending', row( $id )['status'] );
	},
	'a status that cannot be paid is reported, not repeated for ever' => function () {
		$id = opened();
		World::$orders[ $id ]['status'] = 'custom';
		same( '200', hear( $id, 'paid' ) );
		same( array( 'custom', 1 ), array( row( $id )['status'], count( World::$mails ) ) );
	},
	'an order that could not be saved lets the message come again' => function () {
		$id = opened();
		World::$orders[ $id ]['broken'] = true;
		same( '503', hear( $id, 'paid' ) );
		unset( World::$orders[ $id ]['broken'] );
		same( '200', hear( $id, 'paid' ) );
		same( 'processing', row( $id )['status'] );
		same( array(), $GLOBALS['wpdb']->rows, 'locks' );
	},
	'a locked order lets the message come again' => function () {
		$id   = opened();
		$lock = Lock::take( $id );
		same( 'GalaxyPay\WooCommerce\Busy', get_class( throws( function () use ( $id ) { Lock::take( $id, 0.0 ); } ) ) );
		same( 'pending', row( $id )['status'] );
		$lock->release();
		same( '200', hear( $id, 'paid' ) );
	},
	'the lock of a request that died can be taken, and is not given back by the dead' => function () {
		$dead = Lock::take( 5 );
		$GLOBALS['wpdb']->rows['galaxypay_lock_5'] = ( time() - 1 ) . ':dead';
		$lock = Lock::take( 5, 0.0 );
		$dead->release();
		same( 1, count( $GLOBALS['wpdb']->rows ) );
		$lock->release();
		same( array(), $GLOBALS['wpdb']->rows );
	},
);
