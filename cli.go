package galaxypay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/galaxypay-sidecar/caddy-galaxypay/commands"
	"github.com/galaxypay-sidecar/caddy-galaxypay/commands/live"
	"github.com/galaxypay-sidecar/caddy-galaxypay/desk"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:      "galaxypay",
		Short:     "Works with the Galaxy Pay sidecar",
		Long:      "Works with the Galaxy Pay sidecar. Without a subcommand it lists them.",
		CobraFunc: addSubcommands,
	})
}

func addSubcommands(galaxypay *cobra.Command) {
	galaxypay.AddCommand(openAPICommand(), desk.InboxCommand(), desk.PaymentsCommand(), desk.StoreCommand())
	galaxypay.AddCommand(commands.All(commandCore())...)
	galaxypay.AddCommand(live.All(liveCore())...)
	galaxypay.AddCommand(commands.ExaminesTextsToo(live.Doctor(liveCore())))
	command.Group(galaxypay)
}

// commandCore is what the commands use of this package.
func commandCore() commands.Core {
	return commands.Core{
		Sign: func(text, salt []byte) string { return (&signer{salt: salt}).sign(text) },
		Verify: func(text []byte, signature string, salt []byte) bool {
			return len(salt) > 0 && (&signer{salt: salt}).verify(text, signature, time.Now()).isProven()
		},
		Read:  readFields,
		Judge: judgeData,
	}
}

// readFields finds data and signature in what a callback brings: a body, or a query string.
func readFields(body []byte, contentType string, in language.Tag) (data []byte, signature string, err error) {
	msg, prob := fromBody(body, contentType)
	if prob != nil {
		return nil, "", errors.New(prob.Body(in).Detail)
	}
	return msg.data, msg.signature, nil
}

// judgeData says what the data of a callback means for the order, whether it is proven or not.
func judgeData(data []byte, in language.Tag) (commands.Message, error) {
	message, prob := decode(data)
	if prob != nil {
		return commands.Message{}, errors.New(prob.Body(in).Detail)
	}
	cb, prob := judge(signed{data: data}, message, "")
	if prob != nil {
		return commands.Message{}, errors.New(prob.Body(in).Detail)
	}
	return commands.Message{
		JSON: cb.message, PaymentStatus: string(cb.status), ResponseCode: cb.payment.responseCode,
		RequestID: cb.requestID, OrderID: cb.order, TransactionID: cb.transaction,
	}, nil
}

// liveCore is what the commands that talk to a running program use of this package.
func liveCore() live.Core {
	return live.Core{
		Version: version(), UserAgent: userAgent, Salt: []byte(sandboxSalt),
		Sign:  func(text, salt []byte) string { return (&signer{salt: salt}).sign(text) },
		Prove: proveWithAny, Inspect: inspect, AppRequest: appRequest,
		Judge: func(message []byte) string {
			e, err := parseEnvelope(message)
			if err != nil {
				return ""
			}
			payment := paymentOf(&e)
			return string(payment.judge())
		},
		Word: func(status int, header http.Header, body []byte) string {
			app := &appAnswer{header: header}
			app.WriteHeader(status)
			_, _ = app.Write(body) // what is too long is no word
			word, _ := app.word()
			return word.Status
		},
	}
}

// inspect says what the global option means, merchant by merchant, without loading anything that depends on it.
func inspect(raw json.RawMessage, hasInbox bool) (facts live.Facts) {
	var app App
	if err := json.Unmarshal(raw, &app); err != nil {
		return facts // as the load of the configuration says
	}
	for _, name := range slices.Sorted(maps.Keys(app.Merchants)) {
		if config := app.Merchants[name]; config != nil {
			facts.Merchants = append(facts.Merchants, config.inspect(name))
		}
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	var engine any
	var err error
	switch {
	case app.StoreRaw != nil:
		engine, err = ctx.LoadModule(&app, "StoreRaw")
	case hasInbox:
		engine, err = ctx.LoadModuleByID(defaultEngine, nil)
	}
	if err != nil {
		facts.StoreError = err.Error()
	}
	if opener, ok := engine.(store.Opener); ok {
		facts.StoreEngine, facts.StoreName = opener.Engine(), opener.Name()
	}
	return facts
}

func (c *Merchant) inspect(name string) live.Merchant {
	found := live.Merchant{Name: name, OwnTransport: c.TransportRaw != nil}
	m, err := c.resolve(name, zap.NewNop())
	if err != nil {
		found.Error = err.Error()
		return found
	}
	found.Environment, found.Gateway = m.environment, m.baseURL.String()
	found.SaltLength = len(m.signer.salt)
	found.IsPublished = m.verifiesWith(sandboxSalt)
	found.IsEncoded = secret.IsBase64OfText(string(m.signer.salt))
	found.IsLiteral = c.hasLiteral()
	return found
}

// proveWithAny proves a callback as the handlers do, with the first salt that fits. What is posted as JSON is an IPN.
func proveWithAny(r *http.Request, body []byte, salts [][]byte) (_ live.Callback, salt int, prob *problem.Problem) {
	kind := kindResult
	var msg signed
	if r.Method == http.MethodPost {
		msg, prob = fromBody(body, r.Header.Get("Content-Type"))
	} else {
		msg, prob = fromForm(r.URL.RawQuery)
	}
	if prob != nil {
		return live.Callback{}, -1, prob
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		kind = kindIPN
	}
	salt, prob = saltOf(msg, salts)
	if prob != nil {
		return live.Callback{}, -1, prob
	}
	message, prob := decode(msg.data)
	if prob != nil {
		return live.Callback{}, -1, prob
	}
	cb, prob := judge(msg, message, kind)
	if prob != nil {
		return live.Callback{}, -1, prob
	}
	return shown(cb), salt, nil
}

// saltOf returns which salt proves a message.
func saltOf(msg signed, salts [][]byte) (int, *problem.Problem) {
	for i, salt := range salts {
		switch verdict := (&signer{salt: salt}).verify(msg.data, msg.signature, time.Now()); {
		case verdict.isProven():
			return i, nil
		case verdict == signatureMissing:
			return -1, problem.CallbackUnsigned()
		}
	}
	return -1, problem.CallbackSignature()
}

// appRequest is the request by which an app gets an event, where no site of Caddy leads to it. Whether it fits what was signed is
// found out at each delivery, and is not in it.
func appRequest(ctx context.Context, address string, event live.Event, merchant string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(event.MessageBytes))
	if err != nil {
		return nil, err
	}
	callbackHeaders{
		callback: event.Kind, merchant: merchant, paymentStatus: event.PaymentStatus, deliveryID: event.ID,
		transaction: event.Transaction, order: event.OrderID,
	}.set(r.Header)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", userAgent)
	return r, nil
}

// shown is what people see of a proven callback.
func shown(cb *callback) live.Callback {
	if cb.kind == kindResult && cb.status == Cancelled {
		cb.kind = kindCancel
	}
	return live.Callback{
		Kind: cb.kind, PaymentStatus: string(cb.status), RequestID: cb.requestID, OrderID: cb.order, TransactionID: cb.transaction,
		DeliveryID: cb.deliveryID,
	}
}

func openAPICommand() *cobra.Command {
	return command.Complete(&cobra.Command{
		Use:   "openapi",
		Short: "Prints the OpenAPI 3.1 description of the calls that an app can make",
		Long: `Prints the OpenAPI 3.1 description of the calls that an app can make: the
operations of the gateway, their fields, and every failure. A running sidecar answers
GET /openapi.json with the same, for the options of its handler.

Exit codes: 0 printed; 2 wrong usage.`,
		Example: "  caddy galaxypay openapi > openapi.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := openAPI()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	})
}
