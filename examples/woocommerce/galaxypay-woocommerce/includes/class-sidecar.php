<?php
/**
 * The only calls to the sidecar.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Posts plain JSON to the sidecar.
 */
class Sidecar {

	/**
	 * Above the sidecar's own 30 seconds, so that its word on a slow gateway is not missed.
	 */
	const TIMEOUT = 40;

	const OUTCOMES = array( 'not_sent', 'rejected', 'unknown' );

	/**
	 * Carries out an operation.
	 *
	 * @param string $operation Short name, such as pay or refund.
	 * @param array  $fields    The operation's fields.
	 * @param string $key       Idempotency-Key; empty for operations that only read.
	 * @return Answer
	 */
	public static function call( $operation, array $fields, $key = '' ) {
		$headers = array(
			'Content-Type'    => 'application/json',
			'Accept-Language' => self::language(),
		);
		if ( '' !== $key ) {
			$headers['Idempotency-Key'] = $key;
		}
		// Not wp_safe_remote_post: it refuses this machine's own addresses.
		$response = wp_remote_post(
			Settings::sidecar() . '/' . $operation,
			array(
				'headers'     => $headers,
				'body'        => wp_json_encode( $fields, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES ),
				'timeout'     => self::TIMEOUT,
				'redirection' => 0,
			)
		);
		$answer   = self::read( $response );
		$log      = array(
			'operation' => $operation,
			'key'       => $key,
			'outcome'   => $answer->outcome,
			'code'      => $answer->code,
		);
		$answer->is_ok() ? Log::info( 'The sidecar answered.', $log ) : Log::error( 'The sidecar answered.', $log );
		return $answer;
	}

	/**
	 * The language of pages and messages.
	 *
	 * @return string Either vi or en.
	 */
	public static function language() {
		return 0 === strpos( determine_locale(), 'vi' ) ? 'vi' : 'en';
	}

	/**
	 * Reads the answer. 200 counts only with the header that the sidecar sets: any other program may answer on that address.
	 *
	 * @param array|\WP_Error $response What WordPress got.
	 * @return Answer
	 */
	private static function read( $response ) {
		$answer = new Answer();
		if ( is_wp_error( $response ) ) {
			return self::unreachable( $answer, $response );
		}
		$answer->payment_status = self::header( $response, 'Galaxypay-Payment-Status' );
		$answer->binding        = self::header( $response, 'Galaxypay-Order' );
		$body                   = json_decode( wp_remote_retrieve_body( $response ), true );
		if ( ! is_array( $body ) ) {
			$answer->detail = __( 'What answers at the sidecar\'s address is not the sidecar.', 'galaxypay-woocommerce' );
			return $answer;
		}
		if ( 'false' === self::header( $response, 'Galaxypay-Verified' ) ) {
			$answer->detail = __( 'The sidecar passes unproven answers on (verify report), and they are not believed here.', 'galaxypay-woocommerce' );
			return $answer;
		}
		if ( 200 === (int) wp_remote_retrieve_response_code( $response ) && '200' === self::header( $response, 'Galaxypay-Response-Code' ) ) {
			$answer->outcome = 'ok';
			$answer->data    = $body;
			return $answer;
		}
		$answer->outcome = isset( $body['outcome'] ) && in_array( $body['outcome'], self::OUTCOMES, true ) ? $body['outcome'] : 'unknown';
		$answer->code    = isset( $body['code'] ) && is_string( $body['code'] ) ? $body['code'] : '';
		$answer->detail  = isset( $body['detail'] ) && is_string( $body['detail'] ) ? $body['detail'] : '';
		return $answer;
	}

	/**
	 * One header as text.
	 *
	 * @param array  $response What WordPress got.
	 * @param string $name     Name of the header.
	 * @return string
	 */
	private static function header( $response, $name ) {
		$value = wp_remote_retrieve_header( $response, $name );
		return is_string( $value ) ? $value : '';
	}

	/**
	 * No answer: only a refused connection proves that nothing was sent.
	 *
	 * @param Answer    $answer   To be filled in.
	 * @param \WP_Error $response What WordPress says.
	 * @return Answer
	 */
	private static function unreachable( Answer $answer, $response ) {
		$text            = $response->get_error_message();
		$refused         = false !== stripos( $text, 'cURL error 7' ) || false !== stripos( $text, 'connection refused' ) || 'http_request_not_executed' === $response->get_error_code();
		$answer->outcome = $refused ? 'not_sent' : 'unknown';
		$answer->code    = $refused ? 'sidecar_unreachable' : 'sidecar_no_answer';
		$answer->detail  = $text;
		return $answer;
	}
}
