package commands

import (
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// inputs reads what the flags of a command name.
type inputs struct {
	*command.Input
	c *cobra.Command
}

func newInputs(c *cobra.Command) *inputs { return &inputs{command.NewInput(c), c} }

func errNoSalt() error {
	return command.Usage("--salt: missing; give it as {env.NAME}, @file, or - for standard input",
		"thiếu --salt: hãy truyền bằng {env.TÊN}, @tệp, hoặc - cho đầu vào chuẩn")
}

// salts reads --salt, which must be there, and every --other-salt.
func (in *inputs) salts() ([][]byte, error) {
	value := in.c.Flag("salt").Value.String()
	if value == "" {
		return nil, errNoSalt()
	}
	salt, err := in.Secret("salt", value)
	if err != nil {
		return nil, err
	}
	salts := [][]byte{salt}
	if in.c.Flags().Lookup("other-salt") == nil {
		return salts, nil
	}
	others, _ := in.c.Flags().GetStringArray("other-salt")
	for _, value := range others {
		other, err := in.Secret("other-salt", value)
		if err != nil {
			return nil, err
		}
		salts = append(salts, other)
	}
	return salts, nil
}

func addSaltFlag(c *cobra.Command) {
	c.Flags().String("salt", "", "The salt, as {env.NAME}, @file, or - for standard input")
}

func addOtherSaltFlag(c *cobra.Command) {
	c.Flags().StringArray("other-salt", nil, "Another salt that may have signed: the previous one, another merchant's; may be repeated")
}
