package commands

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

func signCommand(core Core) *cobra.Command {
	c := &cobra.Command{
		Use:   "sign",
		Short: "Prints the signature of a text",
		Long: `Prints the signature of a text: of the body of a request, or of the data of a callback.
The text is taken as it is, to the byte: a line end after it is signed too.

Exit codes: 0 signed, 2 wrong usage, 3 a file cannot be read.`,
		Example: `  caddy galaxypay sign --text @body.json --salt {env.GALAXYPAY_SALT}
  printf %s "$body" | caddy galaxypay sign --text - --salt @/run/secrets/galaxypay_salt
  caddy galaxypay sign --text @body.json --salt - < salt.txt`,
		RunE: func(c *cobra.Command, _ []string) error { return sign(c, core) },
	}
	c.Flags().String("text", "", "The text, as @file, or - for standard input")
	addSaltFlag(c)
	return command.Complete(c)
}

func sign(c *cobra.Command, core Core) error {
	in := newInputs(c)
	text, err := in.Text("text")
	if err != nil {
		return err
	}
	salts, err := in.salts()
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return command.Usage("--text: is empty; there is nothing to sign", "--text: rỗng; không có gì để ký")
	}
	if bytes.HasSuffix(text, []byte("\n")) {
		c.PrintErrln(command.Say(c, "The text ends with a line end. It is signed too, so it must be sent too.",
			"Văn bản kết thúc bằng dấu xuống dòng. Dấu này cũng được ký, nên phải được gửi đi cùng."))
	}
	signature := core.Sign(text, salts[0])
	if command.WantsJSON(c) {
		return command.PrintJSON(c, map[string]any{"signature": signature, "bytes": len(text)})
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), signature)
	return err
}
