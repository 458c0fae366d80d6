// Package live holds those subcommands of "caddy galaxypay" that talk to something that runs: a sidecar, its admin API, or an app
// that takes callbacks. What a signature or a callback is, the core decides; it is passed in.
package live

import (
	"context"
	"encoding/json"
	"net/http"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// Core is what the commands need of the product's core.
type Core struct {
	// Version is that of the module, and UserAgent names it to servers.
	Version, UserAgent string

	// Salt is the sandbox's published one.
	Salt []byte

	// Sign returns the signature of a text.
	Sign func(text, salt []byte) string

	// Prove reads a callback as it came, and proves it with one of the salts, whose index it returns. The problem is that with
	// which the sidecar refuses it.
	Prove func(r *http.Request, body []byte, salts [][]byte) (Callback, int, *problem.Problem)

	// Judge returns the payment status of a message.
	Judge func(message []byte) string

	// Inspect says what the global option galaxypay of a configuration means. hasInbox says that a galaxypay_ipn has an inbox.
	Inspect func(app json.RawMessage, hasInbox bool) Facts

	// AppRequest is the request by which an app gets an event of the inbox.
	AppRequest func(ctx context.Context, address string, event Event, merchant string) (*http.Request, error)

	// Word is the ipnStatus in an app's answer to an IPN as the sidecar takes it, or "" for none.
	Word func(status int, header http.Header, body []byte) string
}

// Callback is a proven callback.
type Callback struct {
	Kind          string // ipn, result or cancel
	PaymentStatus string
	RequestID     string
	OrderID       string
	TransactionID string
	DeliveryID    string
}

// All returns the commands.
func All(core Core) []*cobra.Command {
	return []*cobra.Command{versionCommand(core), triggerCommand(core), listenCommand(core), payCommand(core), queryCommand(core), refundCommand(core)}
}

// run completes a command, and ends it when it is interrupted.
func run(c *cobra.Command, do func(ctx context.Context, c *cobra.Command, args []string) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		err := do(ctx, c, args)
		if ctx.Err() != nil && c.Context().Err() == nil {
			return command.Interrupted()
		}
		return err
	}
	return command.Complete(c)
}
