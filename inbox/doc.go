// Package inbox keeps proven callbacks of the gateway until the app has taken them: store,
// then deliver, then answer. The gateway publishes no rule for sending an IPN again, so each
// may come only once, and what was acknowledged must not be lost.
//
// An event passes four steps, each in a file of its own:
//
//	arrive   a proven callback comes in: it is stored, and claimed if it can be
//	claim    the engine reserves a due event for itself, for the time of a lease
//	attempt  the event is handed to the app once
//	settle   the store records how the attempt ended: delivered, dead, or due again
//
// The package imports no Caddy. The stores are packages of their own: bolt, a file on this
// machine, and postgres, for several sidecars that share one inbox.
package inbox
