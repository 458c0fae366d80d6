// Package commands holds those subcommands of "caddy galaxypay" that need no running sidecar: they look at texts, signatures and
// callbacks in files. What a signature or a callback is, the core decides; it is passed in.
package commands

import (
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// Core is what the commands need of the product's core.
type Core struct {
	// Sign returns the signature of a text.
	Sign func(text, salt []byte) string

	// Verify reports whether the signature is that of the text, in either case of its letters.
	Verify func(text []byte, signature string, salt []byte) bool

	// Read finds the data and the signature of a callback in a body or a query string. The signature is "" where there is
	// none. Its error says what is wrong with the form of the body, and holds nothing of it.
	Read func(body []byte, contentType string, in language.Tag) (data []byte, signature string, err error)

	// Judge decodes the data of a callback, proven or not, and says what its message means for the order.
	Judge func(data []byte, in language.Tag) (Message, error)
}

// Message is what a callback says.
type Message struct {
	// JSON is the message, as it was in data.
	JSON []byte
	// PaymentStatus is paid, cancelled, expired, pending or failed.
	PaymentStatus string
	// RequestID, OrderID, TransactionID and ResponseCode are empty where the message has none.
	RequestID, OrderID, TransactionID, ResponseCode string
}

// All returns the commands.
func All(core Core) []*cobra.Command {
	return []*cobra.Command{signCommand(core), verifyCommand(core), decodeCommand(core)}
}
