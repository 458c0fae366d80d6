package commands

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

func verifyCommand(core Core) *cobra.Command {
	c := &cobra.Command{
		Use:   "verify",
		Short: "Says whether a request, a reply or a callback is proven by its signature",
		Long: `Says whether a request, a reply or a callback is proven by its signature.

--message takes a body with data and signature (JSON or a form), the address that a browser
was sent to, or a saved HTTP message with its headers: a request or a reply, whose header
signature is that of its body. --curl takes a command line of curl. --text takes the signed
text itself, and then --signature its signature.

Exit codes: 0 proven, 1 not proven, 2 wrong usage, 3 a file cannot be read.`,
		Example: `  caddy galaxypay verify --message @ipn.json --salt {env.GALAXYPAY_SALT}
  caddy galaxypay verify --curl @pasted.txt --salt @/run/secrets/galaxypay_salt
  pbpaste | caddy galaxypay verify --curl - --salt {env.GALAXYPAY_SALT}
  caddy galaxypay verify --text @reply.json --signature b4b7cb55... --salt {env.GALAXYPAY_SALT}
  caddy galaxypay verify --message @ipn.json --salt @salt --other-salt @old_salt --json`,
		RunE: func(c *cobra.Command, _ []string) error { return verify(c, core) },
	}
	addMessageFlags(c)
	c.Flags().String("text", "", "The signed text itself, as @file, or - for standard input")
	c.Flags().String("signature", "", "The signature of --text, in hex or as @file")
	addSaltFlag(c)
	addOtherSaltFlag(c)
	return command.Complete(c)
}

func addMessageFlags(c *cobra.Command) {
	c.Flags().String("message", "", "A body, an address, or a saved HTTP message, as @file, or - for standard input")
	c.Flags().String("curl", "", "A command line of curl, as @file, or - for standard input")
}

func verify(c *cobra.Command, core Core) error {
	in := newInputs(c)
	s, err := in.signed(core)
	if err != nil {
		return err
	}
	salts, err := in.salts()
	if err != nil {
		return err
	}
	by := core.provenBy(s, salts)
	if err := printVerdict(c, s, by); err != nil {
		return err
	}
	if by < 0 {
		return command.SaidNo()
	}
	return nil
}

// provenBy is which salt has signed, by its place; -1 for none.
func (core Core) provenBy(s signedText, salts [][]byte) int {
	for i, salt := range salts {
		if core.Verify(s.text, s.signature, salt) {
			return i
		}
	}
	return -1
}

// signed reads what is to be verified.
func (in *inputs) signed(core Core) (signedText, error) {
	var given []string
	for _, flag := range []string{"message", "curl", "text"} {
		if in.c.Flags().Changed(flag) {
			given = append(given, flag)
		}
	}
	if len(given) != 1 {
		return signedText{}, command.Usage("expected one of --message, --curl and --text, got %d", "cần đúng một trong --message, --curl và --text, không phải %d", len(given))
	}
	if given[0] == "text" {
		return in.signedByFlags()
	}
	if in.c.Flags().Changed("signature") {
		return signedText{}, command.Usage("--signature: goes with --text; --%s brings its own", "--signature: dùng cùng --text; --%s có chữ ký riêng", given[0])
	}
	return in.signedInMessage(core)
}

func (in *inputs) signedByFlags() (signedText, error) {
	text, err := in.Text("text")
	if err != nil {
		return signedText{}, err
	}
	signature, err := in.signature()
	if err != nil {
		return signedText{}, err
	}
	return signedText{text: text, signature: signature, what: theText}, nil
}

// signature reads --signature, which is no secret: hex, @file, or -.
func (in *inputs) signature() (string, error) {
	if !in.c.Flags().Changed("signature") {
		return "", command.Usage("--signature: missing; give the signature of --text in hex, or as @file", "thiếu --signature: hãy truyền chữ ký của --text dạng hex, hoặc bằng @tệp")
	}
	value := in.c.Flag("signature").Value.String()
	if !command.IsReference(value) {
		return value, nil
	}
	text, err := in.Read("signature", value)
	return string(command.WithoutLineEnd(text)), err
}

// signedInMessage reads --message or --curl.
func (in *inputs) signedInMessage(core Core) (signedText, error) {
	flag := "message"
	if in.c.Flags().Changed("curl") {
		flag = "curl"
	}
	text, err := in.Text(flag)
	if err != nil {
		return signedText{}, err
	}
	m := parseMessage(text)
	if flag == "curl" {
		if m, err = in.parseCurl(string(text)); err != nil {
			return signedText{}, err
		}
	}
	tag := command.Language(in.c)
	s, err := core.signedIn(m, tag)
	if err != nil {
		return signedText{}, command.Usage("--%s: %v", "--%s: %v", flag, err) // core says it in the language of the command
	}
	return s, nil
}

// verdict is the answer of verify for programs.
type verdict struct {
	Proven    bool   `json:"proven"`
	ProvenBy  string `json:"provenBy,omitempty"` // the flag whose salt has signed
	Callback  bool   `json:"callback"`
	Signature string `json:"signature"` // proven, missing or invalid
	Bytes     int    `json:"bytes"`     // of the signed text
	Lookalike string `json:"lookalike,omitempty"`
}

func printVerdict(c *cobra.Command, s signedText, by int) error {
	v := verdict{Proven: by >= 0, Callback: s.callback, Signature: "invalid", Bytes: len(s.text), Lookalike: s.lookalike}
	switch {
	case by == 0:
		v.ProvenBy, v.Signature = "--salt", "proven"
	case by > 0:
		v.ProvenBy, v.Signature = "--other-salt "+strconv.Itoa(by), "proven"
	case s.signature == "":
		v.Signature = "missing"
	}
	if command.WantsJSON(c) {
		return command.PrintJSON(c, v)
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), sentenceOf(c, s, v))
	return err
}
