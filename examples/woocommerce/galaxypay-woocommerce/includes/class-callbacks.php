<?php
/**
 * What comes from the sidecar and from the customer's browser.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * REST routes: ipn and result by the sidecar, status by the waiting page.
 */
class Callbacks {

	const SPACE = 'galaxypay/v1';

	/**
	 * Hooks.
	 */
	public static function listen() {
		add_action( 'rest_api_init', array( __CLASS__, 'add_routes' ) );
		add_filter( 'rest_authentication_errors', array( __CLASS__, 'open_to_the_sidecar' ), PHP_INT_MAX );
	}

	/**
	 * Adds the routes.
	 */
	public static function add_routes() {
		register_rest_route(
			self::SPACE,
			'/ipn',
			array(
				'methods'             => 'POST',
				'callback'            => array( __CLASS__, 'ipn' ),
				'permission_callback' => array( __CLASS__, 'is_proven_ipn' ),
			)
		);
		register_rest_route(
			self::SPACE,
			'/result',
			array(
				'methods'             => array( 'GET', 'POST' ),
				'callback'            => array( __CLASS__, 'result' ),
				'permission_callback' => '__return_true', // It shows nothing without the sidecar's header.
			)
		);
		register_rest_route(
			self::SPACE,
			'/status',
			array(
				'methods'             => 'GET',
				'callback'            => array( __CLASS__, 'status' ),
				'permission_callback' => array( __CLASS__, 'has_key' ),
			)
		);
	}

	/**
	 * Plugins that close the REST API to guests must not stop IPNs. The route proves its callers itself.
	 *
	 * @param mixed $errors Null, true or an error.
	 * @return mixed
	 */
	public static function open_to_the_sidecar( $errors ) {
		$route = isset( $GLOBALS['wp']->query_vars['rest_route'] ) ? untrailingslashit( (string) $GLOBALS['wp']->query_vars['rest_route'] ) : '';
		$ours  = in_array( $route, array( '/' . self::SPACE . '/ipn', '/' . self::SPACE . '/result', '/' . self::SPACE . '/status' ), true );
		return $ours && is_wp_error( $errors ) ? true : $errors;
	}

	/**
	 * Whether the sidecar has proven the message.
	 *
	 * The site in front removes these headers from all that comes from outside. Where the merchant has set a password, the sidecar
	 * must bring it, too.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @param array            $kinds   Kinds of callbacks that are expected.
	 * @return bool
	 */
	private static function is_proven( $request, array $kinds ) {
		$password = Settings::get( 'password' );
		if ( '' !== $password && ! hash_equals( $password, (string) $request->get_header( 'Galaxypay-Password' ) ) ) {
			return false;
		}
		return in_array( $request->get_header( 'Galaxypay-Callback' ), $kinds, true );
	}

	/**
	 * Whether an IPN is proven.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return true|\WP_Error
	 */
	public static function is_proven_ipn( $request ) {
		if ( self::is_proven( $request, array( 'ipn', 'query' ) ) ) {
			return true;
		}
		return new \WP_Error( 'galaxypay_not_proven', __( 'This request did not come through the sidecar.', 'galaxypay-woocommerce' ), array( 'status' => 403 ) );
	}

	/**
	 * Takes an IPN.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function ipn( $request ) {
		$word = Word::of_callback( $request );
		$log  = array(
			'source'      => $word->source,
			'attempt'     => $word->order_id,
			'status'      => $word->status,
			'transaction' => $word->transaction,
		);
		try {
			$status = Orders::settle( $word );
		} catch ( \Exception $e ) {
			Log::error( 'The IPN was not taken, and must come again: ' . $e->getMessage(), $log );
			return new \WP_REST_Response( array( 'ipnStatus' => '503' ), 503 );
		}
		Log::info( 'IPN ' . $status, $log );
		if ( 'ipn' === $word->source ) {
			delete_option( Questions::MISSED );
		}
		$texts = array(
			'200' => 'Taken',
			'404' => 'No such order',
			'409' => 'Taken before',
		);
		return new \WP_REST_Response(
			array(
				'ipnStatus'      => $status,
				'ipnDescription' => $texts[ $status ],
			),
			200
		);
	}

	/**
	 * The customer comes back. The order is not changed by what the browser brings: the gateway is asked.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function result( $request ) {
		$order = null;
		if ( self::is_proven( $request, array( 'result', 'cancel' ) ) ) {
			$order = self::returned_to( rawurldecode( (string) $request->get_header( 'Galaxypay-Order-Id' ) ) );
		}
		$response = new \WP_REST_Response( null, 303 );
		$response->header( 'Location', $order ? Waiting_Page::next( $order ) : wc_get_page_permalink( 'myaccount' ) );
		$response->header( 'Cache-Control', 'no-store' );
		$response->header( 'Referrer-Policy', 'no-referrer' );
		return $response;
	}

	/**
	 * The order of a customer who comes back, after the gateway was asked about it.
	 *
	 * @param string $attempt The gateway's orderID.
	 * @return \WC_Order|null
	 */
	private static function returned_to( $attempt ) {
		$id    = Attempts::order_id( $attempt );
		$order = $id ? Orders::fresh( $id ) : null;
		if ( ! $order || null === Attempts::find( $order, $attempt ) ) {
			return null;
		}
		try {
			Questions::ask( $id );
		} catch ( \Exception $e ) {
			Log::info( 'The order is busy, so the customer waits.', array( 'order' => $id ) );
		}
		return Orders::fresh( $id );
	}

	/**
	 * Whether the visitor has the order's key. A wrong id and a wrong key look the same.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return bool
	 */
	public static function has_key( $request ) {
		return null !== Waiting_Page::order( $request->get_param( 'order' ), $request->get_param( 'key' ) );
	}

	/**
	 * The status for the waiting page, and nothing else.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function status( $request ) {
		$order    = Waiting_Page::order( $request->get_param( 'order' ), $request->get_param( 'key' ) );
		$response = new \WP_REST_Response( array( 'status' => Waiting_Page::status( $order ) ), 200 );
		$response->header( 'Cache-Control', 'no-store' );
		return $response;
	}
}
