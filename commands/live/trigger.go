package live

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

func triggerCommand(core Core) *cobra.Command {
	c := &cobra.Command{
		Use:   "trigger ipn|result|cancel",
		Short: "Sends a signed callback to an address, and shows the answer",
		Long: `Sends a signed callback to an address, as the gateway would, and shows the message that was
sent and the answer. An ipn is posted as JSON; result and cancel come as a browser brings
them, with GET.

Without --salt the message is signed with the published salt of the sandbox, and is sent to
loopback and private addresses only. With --salt, be sure that no order is paid by it that is
none. The gateway itself is never a target.

--set changes any member of the message; an unknown one is refused before anything is sent.
Redirects are not followed: their Location is shown.

Exit codes: 0 the app took it; 1 the app refused it, or gave no answer to an IPN that counts; 2
wrong usage; 3 no answer; 130 interrupted.`,
		Example: `  caddy galaxypay trigger ipn --order DH-1001 --amount 109000 --to http://127.0.0.1:9181/galaxypay/ipn
  caddy galaxypay trigger ipn --status failed --order DH-1001 --amount 109000 --to http://127.0.0.1:9181/galaxypay/ipn
  caddy galaxypay trigger ipn --order DH-1001 --amount 109000 --set requestID=DH-1001-pay-1 --to http://127.0.0.1:9181/galaxypay/ipn
  caddy galaxypay trigger result --order DH-1001 --amount 109000 --salt uat=@/run/secrets/salt --to https://shop.example/galaxypay/result --json | jq .answer`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains([]string{"ipn", "result", "cancel"}, args[0]) {
				return command.Usage("expected one of ipn, result and cancel, got %q; see --help", "cần ipn, result hoặc cancel, không phải %q; xem --help", args)
			}
			return nil
		},
	}
	flags := c.Flags()
	flags.String("to", "", "The address of galaxypay_ipn or galaxypay_result, or of an app")
	flags.String("order", "", "The orderID")
	flags.String("amount", "", "The orderAmount, such as 109000")
	flags.String("status", "", "The payment status: "+strings.Join(statuses, ", ")+" (default: paid; of cancel, cancelled)")
	flags.StringArray("set", nil, "NAME=VALUE: another value of a member, such as transactionID=... (can be repeated)")
	flags.Int("repeat", 1, "How often the same message is sent, one after the other")
	addSaltFlag(c, "the published one of the sandbox")
	addTargetFlags(c)
	return run(c, func(ctx context.Context, c *cobra.Command, args []string) error {
		t, err := newTrigger(c, core, args[0])
		if err != nil {
			return err
		}
		return t.run(ctx, c)
	})
}

// trigger is a callback that is to be sent.
type trigger struct {
	core   Core
	kind   string
	status string
	target *target
	text   []byte
	signed signedMessage
	repeat int
}

// newTrigger reads the flags. Nothing is sent before all of them are right.
func newTrigger(c *cobra.Command, core Core, kind string) (*trigger, error) {
	text := func(flag string) string { return c.Flag(flag).Value.String() }
	t := &trigger{core: core, kind: kind, status: text("status")}
	if err := t.checkStatus(); err != nil {
		return nil, err
	}
	m := newMessage(kind, t.status, time.Now())
	for flag, name := range map[string]string{"order": "orderID", "amount": "orderAmount"} {
		if text(flag) == "" {
			return nil, command.Usage("--%s is missing or empty", "thiếu --%s, hoặc giá trị rỗng", flag)
		}
		m[name] = text(flag)
	}
	assignments, _ := c.Flags().GetStringArray("set")
	if err := m.set(assignments); err != nil {
		return nil, err
	}
	if t.repeat, _ = c.Flags().GetInt("repeat"); t.repeat < 1 {
		return nil, command.Usage("--repeat: expected a number above zero", "--repeat: cần một số lớn hơn 0")
	}
	salts, err := saltsOf(c, core)
	if err != nil {
		return nil, err
	}
	if len(salts) != 1 {
		return nil, command.Usage("--salt: expected one, got %d", "--salt: cần một, không phải %d", len(salts))
	}
	t.text, t.signed = m.text(), m.sign(core, salts[0].salt)
	t.target, err = newTarget(c, "to", !c.Flags().Changed("salt"))
	return t, err
}

func (t *trigger) checkStatus() error {
	switch {
	case t.status == "" && t.kind == "cancel":
		t.status = "cancelled"
	case t.status == "":
		t.status = "paid"
	case !slices.Contains(statuses, t.status):
		return command.Usage("--status: unknown value %q; known are %s", "--status: không có giá trị %q; các giá trị là %s", t.status, strings.Join(statuses, ", "))
	case t.kind == "cancel" && t.status != "cancelled":
		return command.Usage("--status: cancel says cancelled only; use result or ipn", "--status: cancel chỉ có cancelled; hãy dùng result hoặc ipn")
	}
	return nil
}

// triggered is what the command prints.
type triggered struct {
	Kind      string          `json:"kind"`
	To        string          `json:"to"`
	Status    string          `json:"paymentStatus"` // what the message means, as the core reads it
	Message   json.RawMessage `json:"message"`
	Data      string          `json:"data"`
	Signature string          `json:"signature"`
	Answer    appAnswer       `json:"answer"`
}

func (t *trigger) run(ctx context.Context, c *cobra.Command) error {
	isTaken := true
	for range t.repeat {
		answer, err := t.target.send(ctx, t.request)
		if err != nil {
			return err
		}
		answer.IPNStatus = t.word(answer)
		if err := t.print(c, answer); err != nil {
			return err
		}
		isTaken = isTaken && t.isTaken(answer)
	}
	if !isTaken {
		return command.No("the message was not taken", "thông điệp không được nhận")
	}
	return nil
}

// request is the callback as the gateway, or a browser, brings it.
func (t *trigger) request(ctx context.Context, address *url.URL) (*http.Request, error) {
	if t.kind == "ipn" {
		body, err := json.Marshal(t.signed)
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), strings.NewReader(string(body)))
		if err == nil {
			r.Header.Set("Content-Type", "application/json")
		}
		return r, err
	}
	query := url.Values{"data": {t.signed.Data}, "signature": {t.signed.Signature}}.Encode()
	with := *address
	with.RawQuery = strings.TrimPrefix(with.RawQuery+"&"+query, "&")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, with.String(), http.NoBody)
	if err == nil {
		r.Header.Set("Accept", "text/html, application/json")
	}
	return r, err
}

func (t *trigger) word(a *appAnswer) string {
	if t.kind != "ipn" {
		return ""
	}
	return t.core.Word(a.Status, a.header, []byte(a.Body))
}

// isTaken reports whether the app took the message: an IPN by a word that is final, a browser by a page or a redirect.
func (t *trigger) isTaken(a *appAnswer) bool {
	if t.kind == "ipn" {
		return a.IPNStatus == "200" || a.IPNStatus == "409"
	}
	return a.Status < http.StatusBadRequest
}

func (t *trigger) print(c *cobra.Command, a *appAnswer) error {
	if command.WantsJSON(c) {
		return command.PrintJSON(c, triggered{t.kind, t.target.address.String(), t.core.Judge(t.text), t.text, t.signed.Data, t.signed.Signature, *a})
	}
	out := c.OutOrStdout()
	fmt.Fprintf(out, "%s %s: %s\n", command.Say(c, "sent", "đã gửi"), t.kind, t.text)
	fmt.Fprintf(out, "%s: HTTP %d, %d ms, %s\n", command.Say(c, "answer", "trả lời"), a.Status, a.Milliseconds, a.From)
	if a.Location != "" {
		fmt.Fprintf(out, "Location: %s\n", printable(a.Location))
	}
	if t.kind == "ipn" {
		fmt.Fprintf(out, "ipnStatus: %s\n", wordOr(c, a.IPNStatus))
	}
	for _, line := range firstLines(a.Body) {
		fmt.Fprintf(out, "  %s\n", line)
	}
	return nil
}

// wordOr names the lack of a word.
func wordOr(c *cobra.Command, word string) string {
	if word != "" {
		return word
	}
	return command.Say(c, "none; expected HTTP 2xx with ipnStatus 200, 404 or 409, an empty body, or OK",
		"không có; cần HTTP 2xx với ipnStatus 200, 404 hoặc 409, nội dung rỗng, hoặc OK")
}

// firstLines are the beginning of a text from elsewhere, for a terminal.
func firstLines(text string) []string {
	const most, longest = 6, 200
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		if len(lines) == most {
			return append(lines, "...")
		}
		line = printable(strings.TrimRight(line, "\r\n"))
		if runes := []rune(line); len(runes) > longest {
			line = string(runes[:longest]) + "..."
		}
		lines = append(lines, line)
	}
	return lines
}

// readAnswer reads a body to a bound.
func readAnswer(body io.Reader) ([]byte, error) {
	const longest = 1 << 20
	return io.ReadAll(io.LimitReader(body, longest))
}
