/**
 * Galaxy Pay at the block checkout. The server answers with the address of the payment page.
 */
( function ( registry, settings, element, entities ) {
	'use strict';

	const data = settings.getSetting( 'galaxypay_data', null );
	if ( null === data ) {
		return;
	}
	const title = entities.decodeEntities( data.title );

	function Content() {
		return element.createElement( 'div', null, entities.decodeEntities( data.description || '' ) );
	}

	registry.registerPaymentMethod( {
		name: 'galaxypay',
		label: title,
		ariaLabel: title,
		content: element.createElement( Content ),
		edit: element.createElement( Content ),
		canMakePayment: function () {
			return true;
		},
		supports: { features: data.supports },
	} );
}( window.wc.wcBlocksRegistry, window.wc.wcSettings, window.wp.element, window.wp.htmlEntities ) );
