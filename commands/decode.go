package commands

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

func decodeCommand(core Core) *cobra.Command {
	c := &cobra.Command{
		Use:   "decode",
		Short: "Prints the message of a callback as JSON, with its payment status",
		Long: `Prints the message of a callback as JSON, with its payment status. --message and --curl are as
in verify; --data takes the Base64 text alone. Card data, tokens, and names and addresses of people are masked.

With --salt the signature is checked too. Without it the output says "not_checked": a message
that is not proven may come from anyone, whatever its payment status.

Exit codes: 0 decoded, and proven where --salt is given; 1 not proven, or not a message; 2 wrong
usage; 3 a file cannot be read.`,
		Example: `  caddy galaxypay decode --message @ipn.json
  caddy galaxypay decode --message @ipn.json --salt {env.GALAXYPAY_SALT} | jq -r .paymentStatus
  printf %s "$data" | caddy galaxypay decode --data -`,
		RunE: func(c *cobra.Command, _ []string) error { return decode(c, core) },
	}
	addMessageFlags(c)
	c.Flags().String("data", "", "The Base64 text alone, as @file, or - for standard input")
	addSaltFlag(c)
	addOtherSaltFlag(c)
	return command.Complete(c)
}

// decoded is the answer of decode.
type decoded struct {
	PaymentStatus string          `json:"paymentStatus"`
	Signature     string          `json:"signature"` // proven, invalid, missing or not_checked
	ResponseCode  string          `json:"responseCode"`
	RequestID     string          `json:"requestID"`
	OrderID       string          `json:"orderID"`
	TransactionID string          `json:"transactionID"`
	Message       json.RawMessage `json:"message"`
}

func decode(c *cobra.Command, core Core) error {
	in := newInputs(c)
	s, err := in.callback(core)
	if err != nil {
		return err
	}
	state, err := in.stateOf(core, s)
	if err != nil {
		return err
	}
	tag := command.Language(c)
	m, err := core.Judge(s.text, tag)
	if err != nil {
		return command.No("%v", "%v", err)
	}
	err = printMessage(c, decoded{m.PaymentStatus, state, m.ResponseCode, m.RequestID, m.OrderID, m.TransactionID, withoutPersons(m.JSON)})
	if err != nil || state == "proven" {
		return err
	}
	if state == "not_checked" {
		c.PrintErrln(command.Say(c, "The signature was not checked: give --salt. A message that is not proven may come from anyone.",
			"Chữ ký chưa được kiểm tra: hãy dùng --salt. Thông điệp chưa xác thực có thể do bất kỳ ai gửi."))
		return nil
	}
	c.PrintErrln(sentenceOf(c, s, verdict{Signature: state, Bytes: len(s.text)}))
	return command.SaidNo()
}

// callback reads what is to be decoded.
func (in *inputs) callback(core Core) (signedText, error) {
	what := language.Both("the callback", "callback")
	given := 0
	for _, flag := range []string{"message", "curl", "data"} {
		if in.c.Flags().Changed(flag) {
			given++
		}
	}
	if given != 1 {
		return signedText{}, command.Usage("expected one of --message, --curl and --data, got %d", "cần đúng một trong --message, --curl và --data, không phải %d", given)
	}
	if in.c.Flags().Changed("data") {
		text, err := in.Text("data")
		return signedText{text: command.WithoutLineEnd(text), what: what, callback: true}, err
	}
	s, err := in.signedInMessage(core)
	if err == nil && !s.callback {
		return signedText{}, command.Usage("the message has no data; expected a callback, whose body or address has data and signature",
			"thông điệp không có data; cần một callback, có data và signature trong nội dung hoặc địa chỉ")
	}
	return s, err
}

// stateOf checks the signature where there is a salt to check it with.
func (in *inputs) stateOf(core Core, s signedText) (string, error) {
	if !in.c.Flags().Changed("salt") {
		return "not_checked", nil
	}
	if in.c.Flags().Changed("data") {
		return "", command.Usage("--salt: goes with --message or --curl; --data has no signature", "--salt: dùng cùng --message hoặc --curl; --data không có chữ ký")
	}
	salts, err := in.salts()
	switch {
	case err != nil:
		return "", err
	case s.signature == "":
		return "missing", nil
	case core.provenBy(s, salts) < 0:
		return "invalid", nil
	}
	return "proven", nil
}

// printMessage prints on one line for programs, and indented for people.
func printMessage(c *cobra.Command, d decoded) error {
	if command.WantsJSON(c) {
		return command.PrintJSON(c, d)
	}
	encoder := json.NewEncoder(c.OutOrStdout())
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	return nil
}
