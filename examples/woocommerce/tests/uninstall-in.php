<?php
/**
 * Removes the plugin as WordPress does: php uninstall-in.php alone|network. It prints what was done on each site as JSON.
 *
 * @package GalaxyPay\WooCommerce
 */

// phpcs:disable
error_reporting( E_ALL );
set_error_handler( function ( $level, $text, $file, $line ) {
	throw new ErrorException( $text, 0, $level, $file, $line );
} );
define( 'WP_UNINSTALL_PLUGIN', 'galaxypay-woocommerce/galaxypay-woocommerce.php' );

/** The database of the site that is chosen now. */
class SiteDatabase {
	public $site    = 1;
	public $prefix  = 'wp_';
	public $options = 'wp_options';
	public $done    = array();
	private $before = array();
	public function go( $site ) {
		$this->before[] = $this->site;
		$this->choose( $site );
	}
	public function back() { $this->choose( array_pop( $this->before ) ); }
	private function choose( $site ) {
		$this->site    = $site;
		$this->prefix  = 1 === $site ? 'wp_' : "wp_{$site}_";
		$this->options = $this->prefix . 'options';
	}
	public function did( $what ) { $this->done[ $this->site ][] = $what; }
	public function esc_like( $text ) { return addcslashes( $text, '_%\\' ); }
	public function prepare( $query, ...$values ) { return array( $query, $values ); }
	public function get_var( $prepared ) {
		if ( array( 'SHOW TABLES LIKE %s', array( $this->esc_like( $this->prefix . 'actionscheduler_actions' ) ) ) !== $prepared ) {
			throw new Exception( 'another question: ' . json_encode( $prepared ) );
		}
		return 3 === $this->site ? null : $this->prefix . 'actionscheduler_actions';
	}
	public function query( $prepared ) {
		$expected = array(
			"DELETE FROM {$this->prefix}options WHERE option_name LIKE %s" => array( 'galaxypay\_lock\_%', 'locks' ),
			"DELETE action, log FROM {$this->prefix}actionscheduler_actions action LEFT JOIN {$this->prefix}actionscheduler_logs log ON log.action_id = action.action_id WHERE action.hook = %s" => array( 'galaxypay_ask', 'questions' ),
		);
		list( $value, $what ) = $expected[ $prepared[0] ];
		if ( array( $value ) !== $prepared[1] ) {
			throw new Exception( 'another value: ' . json_encode( $prepared ) );
		}
		$this->did( $what );
	}
}
$wpdb = new SiteDatabase();

function is_multisite() { return 'network' === $GLOBALS['argv'][1]; }
function get_sites( $which ) { return array( 'fields' => 'ids', 'number' => 0 ) === $which ? array( 1, 2, 3 ) : array(); }
function switch_to_blog( $site ) { $GLOBALS['wpdb']->go( $site ); }
function restore_current_blog() { $GLOBALS['wpdb']->back(); }
function delete_option( $name ) { $GLOBALS['wpdb']->did( "option $name" ); }

require __DIR__ . '/../galaxypay-woocommerce/uninstall.php';
if ( 1 !== $wpdb->site ) {
	throw new Exception( "site $wpdb->site stays chosen" );
}
echo json_encode( $wpdb->done );
