package live

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// defaultSidecar is where the sidecar of docs/ listens for calls.
const defaultSidecar = "http://127.0.0.1:9180"

// callFlag is a flag that is a field of the request.
type callFlag struct {
	name, field, byDefault, about string
	required                      bool
}

// call is a command that makes one call.
type call struct {
	operation string
	fields    []callFlag
	movesOnce bool // it is made under a key, so that it can be repeated
}

var (
	orderFlag  = callFlag{"order", "orderID", "", "The orderID", true}
	amountFlag = callFlag{"amount", "orderAmount", "", "The orderAmount, such as 109000", true}
	moneyFlags = []callFlag{
		orderFlag, amountFlag,
		{"currency", "orderCurrency", "VND", "The orderCurrency", false},
		{"description", "orderDescription", "caddy galaxypay", "The orderDescription", false},
	}
	transactionFlag = callFlag{"transaction", "transactionID", "", "The transactionID of the payment", true}
)

func payCommand(core Core) *cobra.Command {
	call := call{"pay", append(slices.Clone(moneyFlags), callFlag{"method", "paymentMethod", "DOMESTIC", "The paymentMethod", false}), true}
	return call.command(core, &cobra.Command{
		Use:   "pay",
		Short: "Opens a payment through a running sidecar, and prints the gateway's answer",
		Long: `Opens a payment through a running sidecar, and prints the gateway's answer: the customer pays at its
endpoint.` + aboutCalls,
		Example: `  caddy galaxypay pay --order DH-1001 --amount 109000
  caddy galaxypay pay --order DH-1001 --amount 109000 --set sourceType=970437 --key DH-1001-pay-1
  caddy galaxypay pay --order DH-1001 --amount 109000 | jq -r .endpoint`,
	})
}

func queryCommand(core Core) *cobra.Command {
	call := call{"query", []callFlag{transactionFlag}, false}
	return call.command(core, &cobra.Command{
		Use:   "query",
		Short: "Asks the gateway about a payment through a running sidecar",
		Long: `Asks the gateway about a payment through a running sidecar. The code is 0 where the gateway answered,
whether the payment is paid or not: see paymentStatus with --json, or standard error.` + aboutCalls,
		Example: `  caddy galaxypay query --transaction 2311165672361384300115770
  caddy galaxypay query --transaction 2311165672361384300115770 --json | jq -r .paymentStatus`,
	})
}

func refundCommand(core Core) *cobra.Command {
	call := call{"refund", append([]callFlag{transactionFlag}, moneyFlags...), true}
	return call.command(core, &cobra.Command{
		Use:   "refund",
		Short: "Gives back all or a part of a payment through a running sidecar",
		Long: `Gives back all or a part of a payment through a running sidecar. It asks no question.
--order is a name for this refund.` + aboutCalls,
		Example: `  caddy galaxypay refund --transaction 2311165672361384300115770 --order DH-1001-refund --amount 109000
  caddy galaxypay refund --transaction 2311165672361384300115770 --order DH-1001-refund --amount 9000 --key DH-1001-refund-1`,
	})
}

const aboutCalls = `

--set adds any other field of the operation, as a text; card data and tokens as {env.NAME}, @file
or -. The sidecar checks all of them.

A call that moves money has a key, which is printed on standard error before it is made. If its
outcome is unknown, repeat it with --key and the same fields: with a store, the sidecar then makes
it no second time.

Exit codes: 0 the gateway accepted; 1 the call was refused; 2 wrong usage; 3 no answer, or the
outcome is unknown; 130 interrupted.`

// command adds the flags of a call, and makes it.
func (l call) command(core Core, c *cobra.Command) *cobra.Command {
	flags := c.Flags()
	for _, f := range l.fields {
		flags.String(f.name, f.byDefault, f.about)
	}
	flags.StringArray("set", nil, "NAME=VALUE: another field (can be repeated)")
	flags.String("to", "", "The address of the handler galaxypay (default: GALAXYPAY_URL, else "+defaultSidecar+")")
	if l.movesOnce {
		flags.String("key", "", "The Idempotency-Key (default: a new one)")
	}
	return run(c, func(ctx context.Context, c *cobra.Command, _ []string) error {
		body, err := l.body(c, time.Now())
		if err != nil {
			return err
		}
		address := cmp.Or(c.Flag("to").Value.String(), os.Getenv("GALAXYPAY_URL"), defaultSidecar)
		if !isWebAddress(address) {
			return command.Usage("--to: expected an address such as %s", "--to: cần một địa chỉ như %s", defaultSidecar)
		}
		return l.make(ctx, c, core, strings.TrimRight(address, "/")+"/"+l.operation, body)
	})
}

// body is the request as JSON, with all values as texts.
func (l call) body(c *cobra.Command, now time.Time) ([]byte, error) {
	fields := make(map[string]string)
	for _, f := range l.fields {
		value := c.Flag(f.name).Value.String()
		if value == "" && f.required {
			return nil, command.Usage("--%s is missing or empty", "thiếu --%s, hoặc giá trị rỗng", f.name)
		}
		fields[f.field] = value
	}
	if l.movesOnce {
		fields["orderDateTime"] = vietnamTime(now)
	}
	in := command.NewInput(c)
	assignments, _ := c.Flags().GetStringArray("set")
	for _, assignment := range assignments {
		name, value, err := l.assigned(in, assignment)
		if err != nil {
			return nil, err
		}
		fields[name] = value
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(fields)
	return b.Bytes(), err
}

// assigned reads "name=value". Card data and tokens are secrets, which are given as those are.
func (l call) assigned(in *command.Input, assignment string) (name, value string, err error) {
	name, value, ok := strings.Cut(assignment, "=")
	if !ok || name == "" {
		return "", "", command.Usage("--set: expected NAME=VALUE", "--set: cần TÊN=GIÁ_TRỊ")
	}
	fields := l.request()
	at := slices.IndexFunc(fields, func(f operation.Field) bool { return f.Name == name })
	if at < 0 {
		var all []string
		for _, f := range fields {
			all = append(all, f.Name)
		}
		near := cmp.Or(nearest(name, all), strings.Join(all, ", "))
		return "", "", command.Usage("--set: %s has no field %q; did you mean %s?", "--set: %s không có trường %q; có phải %s không?", l.operation, name, near)
	}
	if fields[at].Secret {
		text, err := in.Secret("set "+name, value)
		return name, string(text), err
	}
	return name, value, nil
}

// request are the fields of the operation that are texts.
func (l call) request() []operation.Field {
	all := operation.All()
	at := slices.IndexFunc(all, func(op operation.Operation) bool { return op.Name == l.operation })
	return slices.DeleteFunc(slices.Clone(all[at].Request), func(f operation.Field) bool { return f.Kind == "object" || strings.Contains(f.Name, ".") })
}

// called is what --json prints of a call.
type called struct {
	HTTPStatus    int             `json:"httpStatus"`
	Operation     string          `json:"operation"`
	Merchant      string          `json:"merchant,omitempty"`
	RequestID     string          `json:"requestID,omitempty"`
	ResponseCode  string          `json:"responseCode,omitempty"`
	PaymentStatus string          `json:"paymentStatus,omitempty"`
	Replayed      bool            `json:"replayed,omitempty"` // the sidecar answered from its store
	Data          json.RawMessage `json:"data"`               // the gateway's answer, or the problem
}

// make makes the call and prints the answer.
func (l call) make(ctx context.Context, c *cobra.Command, core Core, address string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return command.Usage("--to: %v", "--to: %v", err)
	}
	tag := command.Language(c)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", string(tag))
	r.Header.Set("User-Agent", core.UserAgent)
	if l.movesOnce {
		key := cmp.Or(c.Flag("key").Value.String(), randomHex())
		r.Header.Set("Idempotency-Key", key)
		c.PrintErrln("Idempotency-Key: " + key)
	}
	client := newClient(false, false)
	client.Timeout = 2 * time.Minute // the sidecar has a shorter one for the gateway
	response, err := client.Do(r)
	if err != nil {
		return l.unanswered((&target{address: r.URL}).explain(err))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return l.unanswered((&target{address: r.URL}).explain(err))
	}
	if !json.Valid(text) || response.Header.Get("Galaxypay-Operation") == "" && response.StatusCode < 300 {
		return command.Unreachable("%s is no sidecar: HTTP %d, and not in its form", "%s không phải sidecar: HTTP %d, không đúng dạng", r.URL.Host, response.StatusCode)
	}
	return l.report(c, response, text)
}

// unanswered adds what may have happened.
func (l call) unanswered(err error) error {
	f, ok := errors.AsType[*command.ExitError](err)
	if !ok || !l.movesOnce {
		return err
	}
	return command.Unreachable("%[1]s; if it was sent, repeat it with --key and the same fields",
		"%[2]s; nếu đã gửi đi, hãy lặp lại với --key và đúng các trường đó", f.Text.En, f.Text.Vi)
}

func (l call) report(c *cobra.Command, response *http.Response, text []byte) error {
	h := response.Header
	said := called{
		response.StatusCode, l.operation, h.Get("Galaxypay-Merchant"), h.Get("Galaxypay-Request-Id"), h.Get("Galaxypay-Response-Code"),
		h.Get("Galaxypay-Payment-Status"), h.Get("Galaxypay-Replayed") == "true", text,
	}
	refusal, err := refusalIn(response.StatusCode, text)
	switch {
	case command.WantsJSON(c):
		if err := command.PrintJSON(c, said); err != nil {
			return err
		}
	case err == nil:
		fmt.Fprintf(c.OutOrStdout(), "%s\n", bytes.TrimSuffix(text, []byte("\n")))
	}
	if err == nil {
		c.PrintErrln(said.summary())
		return nil
	}
	if refusal.RequestID != "" {
		c.PrintErrln("requestID: " + printable(refusal.RequestID))
	}
	return err
}

// summary is what the headers say, on one line.
func (s called) summary() string {
	words := []string{"merchant=" + s.Merchant, "requestID=" + s.RequestID, "responseCode=" + s.ResponseCode}
	if s.PaymentStatus != "" {
		words = append(words, "paymentStatus="+s.PaymentStatus)
	}
	if s.Replayed {
		words = append(words, "replayed=true")
	}
	return printable(strings.Join(words, " "))
}

// refusalIn reads a problem, and says with which code the command ends: a clear no, or no answer that counts.
func refusalIn(status int, text []byte) (problem.Body, error) {
	var refusal problem.Body
	if status == http.StatusOK {
		return refusal, nil
	}
	_ = json.Unmarshal(text, &refusal) // an answer of another form has no code
	parts := []string{refusal.Title + ": " + refusal.Detail}
	for _, field := range refusal.Errors {
		parts = append(parts, field.Field+": "+field.Detail)
	}
	said := printable(strings.Join(parts, "; "))
	isNo := refusal.Outcome == problem.Rejected || refusal.Outcome == problem.NotSent && status < http.StatusInternalServerError
	switch {
	case refusal.Code == "":
		return refusal, command.Unreachable("HTTP %d, which is no answer of a sidecar", "HTTP %d, không phải trả lời của sidecar", status)
	case isNo:
		return refusal, command.No("%s (%s, %s)", "%s (%s, %s)", said, refusal.Code, refusal.Outcome)
	}
	return refusal, command.Unreachable("%s (%s, %s)", "%s (%s, %s)", said, refusal.Code, refusal.Outcome)
}
