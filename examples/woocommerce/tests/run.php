<?php
/**
 * Runs the tests: php run.php. Each file NAME-test.php returns tests by name; a test fails by an exception.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
error_reporting( E_ALL );
set_error_handler( function ( $level, $text, $file, $line ) {
	throw new ErrorException( $text, 0, $level, $file, $line );
} );
require __DIR__ . '/stubs.php';
$includes = __DIR__ . '/../galaxypay-woocommerce/includes/';
foreach ( glob( $includes . 'class-*.php' ) as $file ) {
	if ( 'class-blocks.php' !== basename( $file ) ) {
		require_once $file;
	}
}
require __DIR__ . '/helpers.php';

/** Fails the test where two values are not the same. */
function same( $want, $got, $what = 'value' ) {
	if ( $want !== $got ) {
		throw new Exception( "$what: got " . var_export( $got, true ) . ', want ' . var_export( $want, true ) );
	}
}

/** Fails the test where this does not throw; returns what was thrown. */
function throws( callable $do ) {
	try {
		$do();
	} catch ( Exception $e ) {
		return $e;
	}
	throw new Exception( 'nothing was thrown' );
}

$failed = 0;
$count  = 0;
foreach ( glob( __DIR__ . '/*-test.php' ) as $file ) {
	foreach ( require $file as $name => $test ) {
		World::begin();
		$wpdb->rows = array();
		++$count;
		try {
			$test();
		} catch ( Throwable $e ) {
			++$failed;
			echo 'FAIL ', basename( $file, '-test.php' ), ": $name\n     ", $e->getMessage(), ' (', basename( $e->getFile() ), ':', $e->getLine(), ")\n";
		}
	}
}
echo "$count tests, $failed failed\n";
exit( $failed || ! $count ? 1 : 0 );
