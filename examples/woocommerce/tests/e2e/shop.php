<?php
/**
 * The merchant's side of the tests: php shop.php COMMAND [ARGUMENT...] in the shop's environment. It prints JSON.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable WordPress, Squiz, Generic
$argv_of_test = $argv;
error_reporting( E_ALL );
$_SERVER['HTTP_HOST']      = getenv( 'SHOP_NETWORK' ) ?: parse_url( getenv( 'SHOP_URL' ), PHP_URL_HOST ) . ':' . parse_url( getenv( 'SHOP_URL' ), PHP_URL_PORT );
$_SERVER['REQUEST_METHOD'] = 'GET';
$_SERVER['REQUEST_URI']    = '/';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
if ( 'install' === $argv[1] ) {
	define( 'WP_INSTALLING', true );
}
require getenv( 'SHOP_DIR' ) . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/plugin.php';

/** Makes the tables and the administrator. */
function command_install() {
	wp_install( 'Tiệm Cà Phê', 'admin', 'shop@shop.test', true, '', 'admin' );
	return true;
}

/** Activates the plugins. */
function command_activate() {
	wp_set_current_user( 1 );
	switch_theme( 'plain' );
	foreach ( array( 'woocommerce/woocommerce.php', 'galaxypay-woocommerce/galaxypay-woocommerce.php' ) as $plugin ) {
		$result = activate_plugin( $plugin );
		if ( is_wp_error( $result ) ) {
			return $result->get_error_message();
		}
	}
	return true;
}

/** Sets up the shop: one thing to buy, both checkouts, the payment method. */
function command_open( $sidecar, $password ) {
	wp_set_current_user( 1 );
	WC_Install::install();
	WC_Install::create_pages();
	$options = array(
		'woocommerce_currency'             => 'VND',
		'woocommerce_price_num_decimals'   => '0',
		'woocommerce_default_country'      => 'VN',
		'woocommerce_manage_stock'         => 'yes',
		'woocommerce_coming_soon'          => 'no',
		'woocommerce_task_list_hidden'     => 'yes',
		'permalink_structure'              => '/%postname%/',
		'woocommerce_galaxypay_settings'   => array(
			'enabled'     => 'yes',
			'title'       => 'Galaxy Pay',
			'description' => 'Pay by card.',
			'sidecar'     => $sidecar,
			'method'      => 'DOMESTIC',
			'password'    => $password,
			'log'         => 'yes',
		),
	);
	foreach ( $options as $name => $value ) {
		update_option( $name, $value );
	}
	$product = new WC_Product_Simple();
	$product->set_name( 'Cà phê sữa đá' );
	$product->set_slug( 'ca-phe' );
	$product->set_regular_price( '29000' );
	$product->set_manage_stock( true );
	$product->set_stock_quantity( 1000 );
	$product->set_virtual( true );
	$product->save();
	$blocks = wp_insert_post( array(
		'post_type'    => 'page',
		'post_status'  => 'publish',
		'post_title'   => 'Blocks',
		'post_name'    => 'blocks',
		'post_content' => '<!-- wp:woocommerce/checkout --><div class="wp-block-woocommerce-checkout wc-block-checkout is-loading"></div><!-- /wp:woocommerce/checkout -->',
	) );
	wp_update_post( array( 'ID' => wc_get_page_id( 'checkout' ), 'post_content' => '[woocommerce_checkout]' ) );
	wp_update_post( array( 'ID' => wc_get_page_id( 'cart' ), 'post_content' => '[woocommerce_cart]' ) );
	flush_rewrite_rules();
	return array( 'product' => $product->get_id(), 'blocks' => $blocks, 'checkout' => wc_get_page_id( 'checkout' ) );
}

/** Turns the tables for orders on or off, and the copies of orders in the other place. */
function command_hpos( $on, $copies ) {
	$sync = wc_get_container()->get( Automattic\WooCommerce\Internal\DataStores\Orders\DataSynchronizer::class );
	if ( ! $sync->check_orders_table_exists() ) {
		$sync->create_database_tables();
	}
	update_option( 'woocommerce_feature_custom_order_tables_enabled', 'yes' );
	update_option( 'woocommerce_custom_orders_table_data_sync_enabled', 'no' );
	update_option( 'woocommerce_custom_orders_table_enabled', 'on' === $on ? 'yes' : 'no' );
	update_option( 'woocommerce_custom_orders_table_data_sync_enabled', 'on' === $copies ? 'yes' : 'no' );
	return true;
}

/** Chooses the page of the checkout. */
function command_checkout( $page ) {
	update_option( 'woocommerce_checkout_page_id', (int) $page );
	return true;
}

/** Deactivates a plugin. */
function command_deactivate( $plugin ) {
	deactivate_plugins( $plugin );
	return true;
}

/** Sets an option. */
function command_option( $name, $value ) {
	update_option( $name, $value );
	return true;
}

/** One setting of the payment method. */
function command_setting( $name, $value ) {
	$all          = get_option( 'woocommerce_galaxypay_settings' );
	$all[ $name ] = $value;
	update_option( 'woocommerce_galaxypay_settings', $all );
	return true;
}

/** The newest order, or the one with this id. */
function command_order( $id = 0 ) {
	if ( ! $id ) {
		$ids = wc_get_orders( array( 'limit' => 1, 'orderby' => 'ID', 'order' => 'DESC', 'return' => 'ids', 'type' => 'shop_order' ) );
		$id  = $ids ? $ids[0] : 0;
	}
	$order = wc_get_order( $id );
	if ( ! $order ) {
		return null;
	}
	$notes = array_map( function ( $note ) { return $note->content; }, wc_get_order_notes( array( 'order_id' => $id ) ) );
	return array(
		'id'          => $order->get_id(),
		'key'         => $order->get_order_key(),
		'status'      => $order->get_status(),
		'total'       => $order->get_total(),
		'paid'        => null !== $order->get_date_paid(),
		'transaction' => $order->get_transaction_id(),
		'refunded'    => (string) $order->get_total_refunded(),
		'refunds'     => count( $order->get_refunds() ),
		'notes'       => $notes,
		'attempts'    => array_values( (array) ( $order->get_meta( '_galaxypay_attempts' ) ?: array() ) ),
		'store'       => $order->get_data_store()->get_current_class_name(),
		'pay'         => $order->get_checkout_payment_url(),
		'received'    => $order->get_checkout_order_received_url(),
		'wait'        => GalaxyPay\WooCommerce\Waiting_Page::address( $order ),
		'ipn'         => rest_url( 'galaxypay/v1/ipn' ),
		'post'        => get_post_status( $id ),
		'downloads'   => count( $order->get_downloadable_items() ),
		'stock'       => (int) wc_get_product( current( $order->get_items() )->get_product_id() )->get_stock_quantity(),
	);
}

/** A new order that waits for payment, made by a customer at the checkout. The ids of its products are separated by commas. */
function command_new_order( $products, $via = 'checkout' ) {
	$order = wc_create_order( array( 'created_via' => $via ) );
	foreach ( explode( ',', $products ) as $product ) {
		$order->add_product( wc_get_product( (int) $product ), 1 );
	}
	$order->set_billing_first_name( 'Nguyễn' );
	$order->set_billing_email( 'khach-' . $order->get_id() . '@shop.test' );
	$order->set_payment_method( 'galaxypay' );
	$order->calculate_totals();
	$order->set_status( 'pending' );
	$order->save();
	return command_order( $order->get_id() );
}

/** Many new orders with open payments: the addresses of their payment pages by the ids of the orders. */
function command_open_many( $product, $count ) {
	$pages = array();
	for ( $i = 0; $i < $count; $i++ ) {
		$id           = command_new_order( $product )['id'];
		$pages[ $id ] = command_pay( $id )['redirect'];
	}
	return $pages;
}

/** Orders with these ids. */
function command_orders( ...$ids ) {
	return array_map( 'command_order', $ids );
}

/** One more thing to buy. */
function command_new_product( $virtual, $downloadable ) {
	wp_set_current_user( 1 );
	$product = new WC_Product_Simple();
	$product->set_name( "Hàng $virtual $downloadable" );
	$product->set_regular_price( '29000' );
	$product->set_manage_stock( true );
	$product->set_stock_quantity( 1000 );
	$product->set_virtual( 'yes' === $virtual );
	$product->set_downloadable( 'yes' === $downloadable );
	if ( 'yes' === $downloadable ) {
		$folder = wp_upload_dir();
		file_put_contents( $folder['basedir'] . '/woocommerce_uploads/book.txt', 'Sách' );
		$file = new WC_Product_Download();
		$file->set_id( 'book' );
		$file->set_name( 'Sách' );
		$file->set_file( $folder['baseurl'] . '/woocommerce_uploads/book.txt' );
		$product->set_downloads( array( $file ) );
	}
	return $product->save();
}

/** Opens a payment, as the checkout does. */
function command_pay( $id ) {
	$gateways = WC()->payment_gateways()->payment_gateways();
	try {
		return $gateways['galaxypay']->process_payment( (int) $id );
	} catch ( Exception $e ) {
		return array( 'result' => 'failure', 'message' => $e->getMessage() );
	}
}

/** Refunds by the button of the order's screen. */
function command_refund( $id, $amount ) {
	wp_set_current_user( 1 );
	$refund = wc_create_refund( array( 'order_id' => (int) $id, 'amount' => $amount, 'reason' => 'Test', 'refund_payment' => true ) );
	return is_wp_error( $refund ) ? $refund->get_error_message() : true;
}

/** Changes the price in an order, as a merchant does. */
function command_price( $id, $total ) {
	$order = wc_get_order( (int) $id );
	$order->set_total( $total );
	$order->save();
	return true;
}

/** Sets the status of an order. */
function command_status( $id, $status ) {
	wc_get_order( (int) $id )->update_status( $status );
	return true;
}

/** Deletes an order, or moves it to the trash. */
function command_delete( $id, $force ) {
	wc_get_order( (int) $id )->delete( 'force' === $force );
	return true;
}

/** The form of the shop's addresses. Empty: plain. */
function command_permalinks( $form ) {
	update_option( 'permalink_structure', $form );
	delete_option( 'rewrite_rules' ); // the next request makes them, in which all plugins begin with the new form
	return true;
}

/**
 * What other plugins do to addresses, beside this one: nothing, or some of these, separated by commas.
 *
 * Each is a file that does not change, since PHP remembers files for some seconds.
 */
function command_beside( $names ) {
	$plugins = array(
		'closed'   => "<?php add_filter( 'rest_authentication_errors', function ( \$e ) { return is_user_logged_in() ? \$e : new WP_Error( 'closed', 'Closed', array( 'status' => 401 ) ); }, 999 );",
		'language' => "<?php if ( 0 === strpos( \$_SERVER['REQUEST_URI'], '/vi/' ) ) { \$_SERVER['REQUEST_URI'] = substr( \$_SERVER['REQUEST_URI'], 3 ); } add_filter( 'home_url', function ( \$url, \$path ) { return get_option( 'home' ) . '/vi/' . ltrim( (string) \$path, '/' ); }, 10, 2 );",
	);
	wp_mkdir_p( WPMU_PLUGIN_DIR );
	foreach ( $plugins as $name => $code ) {
		$file = WPMU_PLUGIN_DIR . "/$name.php";
		$done = in_array( $name, explode( ',', $names ), true ) ? file_put_contents( $file, $code ) : ( ! file_exists( $file ) || unlink( $file ) );
		if ( ! $done ) {
			return false;
		}
	}
	return true;
}

/** Asks the first question that is planned for an order, as if it were due. It returns how many such questions there were. */
function command_ask( $id ) {
	$ids = as_get_scheduled_actions( array( 'hook' => 'galaxypay_ask', 'args' => array( (int) $id, 0 ), 'status' => 'pending' ), 'ids' );
	foreach ( $ids as $id ) {
		ActionScheduler_QueueRunner::instance()->process_action( $id );
	}
	return count( $ids );
}

/** The cache of the shop: WordPress's own, or one that forgets everything. */
function command_cache( $kind ) {
	$file = WP_CONTENT_DIR . '/object-cache.php';
	return 'forgetful' === $kind ? copy( __DIR__ . '/object-cache.php', $file ) : unlink( $file );
}

/** Makes orders old, and lets WordPress's cron run the event by which WooCommerce cancels unpaid orders. */
function command_cancel_unpaid( ...$ids ) {
	global $wpdb;
	foreach ( $ids as $id ) {
		$order = wc_get_order( (int) $id );
		$order->set_date_created( time() - 7200 );
		$order->save();
		$old = gmdate( 'Y-m-d H:i:s', time() - 7200 );
		$wpdb->update( $wpdb->posts, array( 'post_modified' => $old, 'post_modified_gmt' => $old ), array( 'ID' => (int) $id ) );
		$wpdb->query( "UPDATE {$wpdb->prefix}wc_orders SET date_updated_gmt = '$old' WHERE id = " . (int) $id );
	}
	update_option( 'woocommerce_hold_stock_minutes', '60' );
	_set_cron_array( array() );
	wp_schedule_single_event( time() - 1, 'woocommerce_cancel_unpaid_orders' );
	delete_transient( 'doing_cron' );
	echo "true\n";
	require ABSPATH . 'wp-cron.php'; // it ends PHP
}

/** Makes a network of the site. */
function command_make_network( $domain ) {
	global $wpdb;
	foreach ( $wpdb->tables( 'ms_global' ) as $table => $name ) {
		$wpdb->$table = $name;
	}
	require_once ABSPATH . 'wp-admin/includes/schema.php';
	install_network();
	return populate_network( 1, $domain, 'shop@shop.test', 'Chuỗi', '/' );
}

/** Two more sites. All three have what the plugin makes; the third one never had WooCommerce. */
function command_fill_network() {
	global $wpdb;
	wp_set_current_user( 1 );
	foreach ( array( '/two/', '/three/' ) as $path ) {
		$site = wpmu_create_blog( getenv( 'SHOP_NETWORK' ), $path, 'Chi nhánh', 1 );
		if ( is_wp_error( $site ) ) {
			return $site->get_error_message();
		}
	}
	foreach ( array( 'actions', 'logs' ) as $name ) {
		$wpdb->query( "CREATE TABLE wp_2_actionscheduler_$name LIKE wp_actionscheduler_$name" );
	}
	foreach ( get_sites( array( 'fields' => 'ids' ) ) as $site ) {
		switch_to_blog( $site );
		foreach ( array( 'woocommerce_galaxypay_settings', 'galaxypay_shop_prefix', 'galaxypay_missed_ipns', 'galaxypay_lock_1', 'galaxypay_lock_22', 'galaxypay-lock-of-others' ) as $option ) {
			update_option( $option, 'x' );
		}
		foreach ( $site < 3 ? array( 'galaxypay_ask', 'of_others' ) : array() as $hook ) {
			$wpdb->insert( $wpdb->prefix . 'actionscheduler_actions', array( 'hook' => $hook, 'status' => 'pending' ) );
			$wpdb->insert( $wpdb->prefix . 'actionscheduler_logs', array( 'action_id' => $wpdb->insert_id, 'message' => $hook ) );
		}
		restore_current_blog();
	}
	return true;
}

/** What of the plugin and its neighbours is in each site of the network. */
function command_in_network() {
	global $wpdb;
	$found = array();
	foreach ( get_sites( array( 'fields' => 'ids' ) ) as $site ) {
		switch_to_blog( $site );
		$names = $wpdb->get_col( "SELECT option_name FROM $wpdb->options WHERE option_name LIKE '%galaxypay%' AND option_name NOT LIKE '%transient%'" );
		sort( $names );
		if ( $site < 3 ) {
			$names = array_merge( $names, $wpdb->get_col( "SELECT DISTINCT hook FROM {$wpdb->prefix}actionscheduler_actions WHERE hook IN ( 'galaxypay_ask', 'of_others' ) ORDER BY hook" ) );
			$names[] = (int) $wpdb->get_var( "SELECT COUNT(*) FROM {$wpdb->prefix}actionscheduler_logs WHERE action_id NOT IN ( SELECT action_id FROM {$wpdb->prefix}actionscheduler_actions )" ) . ' logs too many';
		}
		$found[] = implode( ' ', $names );
		restore_current_blog();
	}
	return $found;
}

/** Removes the plugin as the dashboard does. */
function command_uninstall() {
	deactivate_plugins( 'galaxypay-woocommerce/galaxypay-woocommerce.php' );
	return uninstall_plugin( 'galaxypay-woocommerce/galaxypay-woocommerce.php' );
}

/** Attempts that orders remember. */
function command_remembered() {
	global $wpdb;
	return (int) $wpdb->get_var( "SELECT COUNT(*) FROM wp_postmeta WHERE meta_key = '_galaxypay_attempts'" );
}

$command = 'command_' . $argv_of_test[1];
echo wp_json_encode( $command( ...array_slice( $argv_of_test, 2 ) ) ), "\n";
