<?php
/**
 * As much of WordPress and WooCommerce as the tests need, in memory.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
define( 'ABSPATH', __DIR__ . '/' );

/** All that a test sets and looks at. */
class World {
	public static $options = array();
	public static $orders  = array();
	public static $answers = array(); // of the sidecar, in this order
	public static $calls   = array(); // to the sidecar
	public static $mails   = array();
	public static $logs    = array();
	public static $planned = array();
	public static $filters = array();
	public static $locale  = 'en_US';
	public static $language = ''; // what a plugin for languages puts into addresses

	public static function begin() {
		self::$options = array( 'home' => 'https://shop.example', 'admin_email' => 'shop@shop.example', 'galaxypay_shop_prefix' => 'WCTEST' );
		self::$orders  = array();
		self::$answers = array();
		self::$calls   = array();
		self::$mails   = array();
		self::$logs    = array();
		self::$planned = array();
		self::$locale  = 'en_US';
		self::$language = '';
	}
}

class WP_Error {
	private $code;
	private $message;
	public function __construct( $code = '', $message = '', $data = null ) { $this->code = $code; $this->message = $message; }
	public function get_error_message() { return $this->message; }
	public function get_error_code() { return $this->code; }
}

class WP_REST_Request {
	private $headers;
	private $body;
	private $params;
	public function __construct( array $headers = array(), $body = '', array $params = array() ) {
		$this->headers = array_change_key_case( $headers );
		$this->body    = $body;
		$this->params  = $params;
	}
	public function get_header( $name ) { $name = strtolower( $name ); return isset( $this->headers[ $name ] ) ? $this->headers[ $name ] : null; }
	public function get_body() { return $this->body; }
	public function get_param( $name ) { return isset( $this->params[ $name ] ) ? $this->params[ $name ] : null; }
}

class WP_REST_Response {
	public $data;
	public $status;
	public $headers = array();
	public function __construct( $data = null, $status = 200 ) { $this->data = $data; $this->status = $status; }
	public function header( $name, $value ) { $this->headers[ $name ] = $value; }
}

/** The rows of an order as a database has them; WC_Order reads them, and writes on save. */
class WC_Order {
	private $row;
	public $saves = 0;
	public function __construct( array $row ) { $this->row = $row; }
	public static function add( array $row = array() ) {
		$id                    = count( World::$orders ) + 41;
		World::$orders[ $id ] = $row + array( 'id' => $id, 'status' => 'pending', 'total' => '29000', 'currency' => 'VND', 'method' => 'galaxypay', 'paid' => null, 'meta' => array(), 'notes' => array(), 'refunds' => array(), 'number' => (string) $id, 'created_via' => 'checkout', 'stock' => 0, 'transaction' => '', 'after_payment' => 'processing' );
		return $id;
	}
	public function save() { $notes = World::$orders[ $this->row['id'] ]['notes']; World::$orders[ $this->row['id'] ] = array( 'notes' => $notes ) + $this->row; return $this->row['id']; }
	public function get_id() { return $this->row['id']; }
	public function get_meta( $name ) { return isset( $this->row['meta'][ $name ] ) ? $this->row['meta'][ $name ] : ''; }
	public function update_meta_data( $name, $value ) { $this->row['meta'][ $name ] = $value; }
	public function get_status() { return $this->row['status']; }
	public function set_status( $status ) { $this->row['status'] = $status; }
	public function has_status( $status ) { return in_array( $this->row['status'], (array) $status, true ); }
	public function get_total() { return $this->row['total']; }
	public function get_currency() { return $this->row['currency']; }
	public function get_payment_method() { return $this->row['method']; }
	public function get_date_paid() { return $this->row['paid']; }
	public function get_refunds() { return $this->row['refunds']; }
	public function get_order_number() { return $this->row['number']; }
	public function get_order_key() { return 'wc_order_' . $this->row['id']; }
	public function get_created_via() { return $this->row['created_via']; }
	public function needs_payment() { return $this->has_status( array( 'pending', 'failed' ) ) && $this->row['total'] > 0; }
	public function get_checkout_order_received_url() { return 'https://shop.example/received/' . $this->row['id'] . '?key=' . $this->get_order_key(); }
	public function get_checkout_payment_url() { return 'https://shop.example/pay/' . $this->row['id'] . '?key=' . $this->get_order_key(); }
	public function get_edit_order_url() { return 'https://shop.example/edit/' . $this->row['id']; }
	public function add_order_note( $text ) { World::$orders[ $this->row['id'] ]['notes'][] = $text; }
	public function payment_complete( $transaction ) {
		if ( ! empty( $this->row['broken'] ) ) {
			return false;
		}
		if ( $this->has_status( array( 'on-hold', 'pending', 'failed', 'cancelled' ) ) ) {
			$this->row['transaction'] = $transaction;
			$this->row['paid']        = time();
			$this->row['status']      = $this->row['after_payment'];
			$this->row['stock']      -= 1;
			$this->save();
		}
		return true;
	}
}

class WC_Data_Store {
	public static function load( $name ) { return new self(); }
	public function has_callable( $name ) { return false; }
}

class WC_Payment_Gateway {
	public $id;
	public $has_fields;
	public $supports;
	public $method_title;
	public $method_description;
	public $form_fields = array();
	public $settings    = array();
	public $title;
	public $description;
	public function init_settings() {}
	public function get_option( $name ) { return ''; }
	public function is_available() { return true; }
	public function admin_options() { echo 'settings'; }
}

/** Options in a table, for the lock. */
class FakeDatabase {
	public $options = 'wp_options';
	public $rows    = array();
	public function prepare( $query, ...$values ) { return array( $query, $values ); }
	public function query( $prepared ) {
		list( $query, $values ) = $prepared;
		if ( 0 === strpos( $query, 'INSERT IGNORE' ) ) {
			if ( isset( $this->rows[ $values[0] ] ) ) { return 0; }
			$this->rows[ $values[0] ] = $values[1];
			return 1;
		}
		if ( 0 === strpos( $query, 'UPDATE' ) ) {
			if ( ! isset( $this->rows[ $values[1] ] ) || $this->rows[ $values[1] ] !== $values[2] ) { return 0; }
			$this->rows[ $values[1] ] = $values[0];
			return 1;
		}
		$all = false === strpos( $query, 'option_value = %s' );
		if ( isset( $this->rows[ $values[0] ] ) && ( $all || $this->rows[ $values[0] ] === $values[1] ) ) {
			unset( $this->rows[ $values[0] ] );
			return 1;
		}
		return 0;
	}
	public function get_var( $prepared ) { return isset( $this->rows[ $prepared[1][0] ] ) ? $this->rows[ $prepared[1][0] ] : null; }
}
$wpdb = new FakeDatabase();

class FakeLogger {
	public function error( $text, $context ) { World::$logs[] = 'error ' . $text; }
	public function info( $text, $context ) { World::$logs[] = 'info ' . $text; }
}

/** An answer of the sidecar for wp_remote_post. */
function answer( $status, array $body, array $headers = array() ) {
	return array( 'status' => $status, 'body' => json_encode( $body ), 'headers' => array_change_key_case( $headers ) );
}
/** The gateway's yes. */
function yes( array $data, array $headers = array() ) { return answer( 200, $data, array( 'Galaxypay-Response-Code' => '200' ) + $headers ); }
/** A problem. */
function problem( $outcome, $code ) { return answer( 502, array( 'outcome' => $outcome, 'code' => $code, 'detail' => 'Because.' ) ); }

function wp_remote_post( $url, $args ) {
	World::$calls[] = array( 'url' => $url, 'fields' => json_decode( $args['body'], true ), 'args' => $args );
	$answer         = array_shift( World::$answers );
	return is_callable( $answer ) ? $answer( $url ) : ( $answer ?: new WP_Error( 'http_request_failed', 'the test has no answer' ) );
}
function wp_remote_retrieve_header( $r, $name ) { $name = strtolower( $name ); return isset( $r['headers'][ $name ] ) ? $r['headers'][ $name ] : ''; }
function wp_remote_retrieve_body( $r ) { return $r['body']; }
function wp_remote_retrieve_response_code( $r ) { return $r['status']; }
function is_wp_error( $thing ) { return $thing instanceof WP_Error; }
function wc_get_order( $id ) { return isset( World::$orders[ (int) $id ] ) ? new WC_Order( World::$orders[ (int) $id ] ) : false; }
function wc_get_logger() { return new FakeLogger(); }
function wc_get_page_permalink( $page ) { return 'https://shop.example/' . $page; }
function get_woocommerce_currency() { return isset( World::$options['currency'] ) ? World::$options['currency'] : 'VND'; }
function wc_get_price_decimals() { return isset( World::$options['decimals'] ) ? World::$options['decimals'] : 0; }
function get_query_var( $name ) { return isset( World::$options[ 'query_' . $name ] ) ? World::$options[ 'query_' . $name ] : ''; }
function WC() { return (object) array( 'cart' => isset( World::$options['cart'] ) ? World::$options['cart'] : null ); }
function get_option( $name, $fallback = false ) { return isset( World::$options[ $name ] ) ? World::$options[ $name ] : $fallback; }
function add_option( $name, $value ) { World::$options += array( $name => $value ); }
function update_option( $name, $value ) { World::$options[ $name ] = $value; }
function delete_option( $name ) { unset( World::$options[ $name ] ); }
function wp_mail( $to, $subject, $text ) { World::$mails[] = $subject . "\n" . $text; return true; }
function as_schedule_single_action( $time, $hook, $args, $group ) { World::$planned[] = array( $time - time(), $args ); }
function apply_filters( $name, $value ) { return isset( World::$filters[ $name ] ) ? World::$filters[ $name ]( $value ) : $value; }
function add_action() {}
function add_filter() {}
function clean_post_cache() {}
function wp_cache_delete() {}
function __( $text ) { return $text; }
function esc_html__( $text ) { return $text; }
function esc_html( $text ) { return htmlspecialchars( $text ); }
function determine_locale() { return World::$locale; }
function esc_url( $url ) { return htmlspecialchars( $url ); }
function admin_url( $path ) { return 'https://shop.example/wp-admin/' . $path; }
function wp_nonce_url( $url ) { return $url; }
function get_current_user_id() { return 1; }
function get_transient( $name ) { return false; }
function delete_transient( $name ) {}
function untrailingslashit( $text ) { return rtrim( $text, '/' ); }
function set_url_scheme( $url ) { return $url; }
function home_url( $path ) { return 'https://shop.example' . World::$language . $path; }
function absint( $value ) { return abs( (int) $value ); }
function add_query_arg( $args, $url ) { return $url . '?' . http_build_query( $args ); }
function get_bloginfo() { return 'Shop &amp; Co'; }
function wp_specialchars_decode( $text ) { return htmlspecialchars_decode( $text ); }
function wp_json_encode( $value, $flags = 0 ) { return json_encode( $value, $flags ); }
function wp_generate_password( $length ) { return substr( bin2hex( random_bytes( $length ) ), 0, $length ); }
if ( ! function_exists( 'mb_substr' ) ) { // WordPress has it, too
	function mb_substr( $text, $start, $length ) { return iconv_substr( $text, $start, $length, 'UTF-8' ); }
}
