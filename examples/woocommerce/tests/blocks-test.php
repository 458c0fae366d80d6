<?php
/**
 * The block checkout.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
use GalaxyPay\WooCommerce\Blocks;
use GalaxyPay\WooCommerce\Gateway;

require_once __DIR__ . '/blocks-stub.php';
require_once __DIR__ . '/../galaxypay-woocommerce/includes/class-blocks.php';

/** The method of the block checkout with these settings. */
function in_blocks( $settings ) {
	World::$options['woocommerce_galaxypay_settings'] = $settings;
	$blocks = new Blocks();
	$blocks->initialize();
	return $blocks;
}

return array(
	'it has the name and the features of the gateway' => function () {
		$gateway = new Gateway();
		$blocks  = in_blocks( array() );
		same( $gateway->id, $blocks->get_name() );
		same( $gateway->supports, $blocks->get_supported_features() );
		same( $gateway->supports, $blocks->get_payment_method_data()['supports'] );
	},
	'it is offered only where the method is enabled' => function () {
		foreach ( array( array( array( 'enabled' => 'yes' ), true ), array( array( 'enabled' => 'no' ), false ), array( array(), false ), array( 'broken', false ) ) as $case ) {
			same( $case[1], in_blocks( $case[0] )->is_active(), var_export( $case[0], true ) );
		}
	},
	'the editor has no cart, and gets the texts of the settings' => function () {
		World::$options['cart'] = null;
		$data                   = in_blocks( array( 'enabled' => 'yes', 'title' => 'Thẻ', 'description' => 'Mô tả' ) )->get_payment_method_data();
		same( array( 'Thẻ', 'Mô tả' ), array( $data['title'], $data['description'] ) );
		same( 'Galaxy Pay', in_blocks( array() )->get_payment_method_data()['title'] );
	},
	'the script registers all that the checkout demands, under that name' => function () {
		$script = file_get_contents( __DIR__ . '/../galaxypay-woocommerce/assets/blocks.js' );
		same( 1, preg_match( '/registerPaymentMethod\( \{(.*?)\n\t\} \)/s', $script, $found ) );
		preg_match_all( '/^\t\t(\w+):/m', $found[1], $keys );
		same( array( 'name', 'label', 'ariaLabel', 'content', 'edit', 'canMakePayment', 'supports' ), $keys[1] );
		same( true, false !== strpos( $found[1], "name: '" . ( new Gateway() )->id . "'" ) );
		same( true, false !== strpos( $script, "getSetting( '" . ( new Gateway() )->id . "_data', null )" ) );
	},
);
