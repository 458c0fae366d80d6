<?php
/**
 * The payment method.
 *
 * @package GalaxyPay\WooCommerce
 */

namespace GalaxyPay\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * What WooCommerce sees of this plugin.
 */
class Gateway extends \WC_Payment_Gateway {

	/**
	 * Sets the method up.
	 */
	public function __construct() {
		$this->id                 = Settings::GATEWAY;
		$this->has_fields         = false;
		$this->supports           = array( 'products', 'refunds' );
		$this->method_title       = __( 'Galaxy Pay', 'galaxypay-woocommerce' );
		$this->method_description = __( 'Cards, bank accounts, QR codes and wallets of Vietnam. The sidecar beside the shop holds the key; this plugin has none.', 'galaxypay-woocommerce' );
		$this->init_form_fields();
		$this->init_settings();
		$this->title       = $this->get_option( 'title' );
		$this->description = $this->get_option( 'description' );
		add_action( 'woocommerce_update_options_payment_gateways_' . $this->id, array( $this, 'process_admin_options' ) );
	}

	/**
	 * The settings.
	 */
	public function init_form_fields() {
		$this->form_fields = array(
			'enabled'     => array(
				'title'   => __( 'Enable', 'galaxypay-woocommerce' ),
				'type'    => 'checkbox',
				'label'   => __( 'Offer Galaxy Pay at the checkout', 'galaxypay-woocommerce' ),
				'default' => 'no',
			),
			'title'       => array(
				'title'   => __( 'Title', 'galaxypay-woocommerce' ),
				'type'    => 'text',
				'default' => __( 'Galaxy Pay', 'galaxypay-woocommerce' ),
			),
			'description' => array(
				'title'   => __( 'Description', 'galaxypay-woocommerce' ),
				'type'    => 'textarea',
				'default' => __( 'Pay by card, bank account, QR code or wallet on the page of Galaxy Pay.', 'galaxypay-woocommerce' ),
			),
			'sidecar'     => array(
				'title'       => __( 'Address of the sidecar', 'galaxypay-woocommerce' ),
				'type'        => 'text',
				'default'     => 'http://localhost:9180',
				'description' => __( 'On this machine, or in a private network. Write localhost, not 127.0.0.1.', 'galaxypay-woocommerce' ),
			),
			'method'      => array(
				'title'   => __( 'Payment methods', 'galaxypay-woocommerce' ),
				'type'    => 'select',
				'default' => 'option',
				'options' => self::methods(),
			),
			'prefix'      => array(
				'title'       => __( 'Prefix of order ids', 'galaxypay-woocommerce' ),
				'type'        => 'text',
				'placeholder' => Settings::prefix(),
				'description' => __( 'Letters and digits. Two shops with one merchant account, such as a copy for tests, need different ones. Leave it empty to keep the one that was made for this shop.', 'galaxypay-woocommerce' ),
			),
			'password'    => array(
				'title'       => __( 'Password of the sidecar', 'galaxypay-woocommerce' ),
				'type'        => 'password',
				'description' => __( 'A second lock: only messages with this password are believed. Set the same one as GALAXYPAY_PASSWORD for the Caddyfile of the example.', 'galaxypay-woocommerce' ),
			),
			'log'         => array(
				'title'   => __( 'Log', 'galaxypay-woocommerce' ),
				'type'    => 'checkbox',
				'label'   => __( 'Log every call and message, not only errors', 'galaxypay-woocommerce' ),
				'default' => 'no',
			),
		);
	}

	/**
	 * Which methods a customer can choose.
	 *
	 * @return array
	 */
	private static function methods() {
		return array(
			'option'         => __( 'The customer chooses on the page of Galaxy Pay', 'galaxypay-woocommerce' ),
			'DOMESTIC'       => __( 'Domestic cards and accounts', 'galaxypay-woocommerce' ),
			'INTERNATIONAL'  => __( 'International cards', 'galaxypay-woocommerce' ),
			'QRPAY:QRPAY'    => 'VietQR',
			'WALLET:MOMO'    => 'MoMo',
			'WALLET:ZALOPAY' => 'ZaloPay',
		);
	}

	/**
	 * Checks the address of the sidecar.
	 *
	 * @param string $key   Name of the setting.
	 * @param string $value What the merchant typed.
	 * @return string
	 * @throws \Exception Where it is no address.
	 */
	public function validate_sidecar_field( $key, $value ) {
		$address = untrailingslashit( trim( (string) $value ) );
		if ( ! preg_match( '#^https?://[A-Za-z0-9.\-\[\]:]+$#D', $address ) ) {
			throw new \Exception( esc_html__( 'The address of the sidecar must be like http://localhost:9180.', 'galaxypay-woocommerce' ) );
		}
		return $address;
	}

	/**
	 * Checks the prefix of order ids.
	 *
	 * @param string $key   Name of the setting.
	 * @param string $value What the merchant typed.
	 * @return string
	 * @throws \Exception Where other characters are in it.
	 */
	public function validate_prefix_field( $key, $value ) {
		$prefix = trim( (string) $value );
		if ( ! preg_match( '/^[A-Za-z0-9]{0,12}$/D', $prefix ) ) {
			throw new \Exception( esc_html__( 'The prefix may have up to 12 letters and digits.', 'galaxypay-woocommerce' ) );
		}
		return $prefix;
	}

	/**
	 * The settings, with the addresses, the test and a warning where IPNs do not come.
	 */
	public function admin_options() {
		foreach ( Connection_Test::results() as $result ) {
			echo '<div class="notice notice-info galaxypay-test"><p>' . esc_html( $result ) . '</p></div>';
		}
		$missed = (int) get_option( Questions::MISSED, 0 );
		if ( $missed > 0 ) {
			/* translators: 1: number of payments, 2: address */
			$text = sprintf( __( '%1$d payments were found by asking Galaxy Pay, since the last IPN. If IPNs do not come at all, the way from the internet to %2$s is closed.', 'galaxypay-woocommerce' ), $missed, Settings::callback( 'ipn' ) );
			echo '<div class="notice notice-warning"><p>' . esc_html( $text ) . '</p></div>';
		}
		if ( self::shows_fractions() ) {
			echo '<div class="notice notice-warning"><p>' . esc_html__( 'Your shop calculates with fractions of a currency that Galaxy Pay takes without them. Where an order has such a fraction, Galaxy Pay is not offered. Set the number of decimals to fit, under WooCommerce, Settings, General.', 'galaxypay-woocommerce' ) . '</p></div>';
		}
		parent::admin_options();
		echo '<p>' . esc_html__( 'Address for IPNs:', 'galaxypay-woocommerce' ) . ' <code>' . esc_html( Settings::callback( 'ipn' ) ) . '</code></p>';
		echo '<p><a class="button" id="galaxypay-test" href="' . esc_url( Connection_Test::address() ) . '">' . esc_html__( 'Test the connection', 'galaxypay-woocommerce' ) . '</a></p>';
	}

	/**
	 * Whether the shop's totals can have more decimals than its currency has at the gateway.
	 *
	 * @return bool
	 */
	public static function shows_fractions() {
		$currencies = Settings::currencies();
		$currency   = get_woocommerce_currency();
		return isset( $currencies[ $currency ] ) && wc_get_price_decimals() > $currencies[ $currency ];
	}

	/**
	 * Whether customers can pay this way: only currencies of the contract, and no fraction that the currency does not have.
	 *
	 * @return bool
	 */
	public function is_available() {
		if ( ! parent::is_available() ) {
			return false;
		}
		$order = self::order_to_pay();
		if ( $order ) {
			return null !== Money::payable( $order->get_total(), $order->get_currency() );
		}
		$currency   = get_woocommerce_currency();
		$currencies = Settings::currencies();
		if ( ! isset( $currencies[ $currency ] ) ) {
			return false;
		}
		return ! WC()->cart || WC()->cart->is_empty() || null !== Money::payable( WC()->cart->get_total( 'edit' ), $currency );
	}

	/**
	 * The order on the page "pay for order".
	 *
	 * @return \WC_Order|null
	 */
	private static function order_to_pay() {
		$id    = absint( get_query_var( 'order-pay' ) );
		$order = $id ? wc_get_order( $id ) : null;
		return $order instanceof \WC_Order ? $order : null;
	}

	/**
	 * Opens the payment. The cart stays: the customer may come back unpaid.
	 *
	 * @param int $order_id The order.
	 * @return array
	 */
	public function process_payment( $order_id ) {
		return array(
			'result'   => 'success',
			'redirect' => Payment::start( (int) $order_id ),
		);
	}

	/**
	 * Whether the order can be refunded here.
	 *
	 * @param \WC_Order $order The order.
	 * @return bool
	 */
	public function can_refund_order( $order ) {
		return $order && null !== Refunds::paid_attempt( $order );
	}

	/**
	 * Gives money back.
	 *
	 * @param int        $order_id The order.
	 * @param float|null $amount   The amount.
	 * @param string     $reason   The merchant's reason.
	 * @return true|\WP_Error
	 */
	public function process_refund( $order_id, $amount = null, $reason = '' ) {
		return Refunds::refund( (int) $order_id, $amount, $reason );
	}
}
