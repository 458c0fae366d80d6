/**
 * Looks every three seconds whether the order is settled, for a minute.
 */
( function () {
	'use strict';

	const page = document.getElementById( 'galaxypay-wait' );
	let left = 20;

	function look() {
		if ( 0 === left ) {
			const text = page.querySelector( '[data-later]' );
			text.textContent = text.dataset.later;
			return;
		}
		left -= 1;
		fetch( page.dataset.poll, { cache: 'no-store', credentials: 'same-origin' } )
			.then( function ( response ) {
				return response.ok ? response.json() : { status: 'waiting' };
			} )
			.catch( function () {
				return { status: 'waiting' };
			} )
			.then( function ( answer ) {
				if ( 'waiting' === answer.status ) {
					window.setTimeout( look, 3000 );
				} else {
					window.location.reload();
				}
			} );
	}

	window.setTimeout( look, 2000 );
}() );
