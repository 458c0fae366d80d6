package live

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// namedSalt is a salt with the name that people gave it. It prints as that.
type namedSalt struct {
	name string
	salt []byte
}

// String keeps the salt out of everything that prints it.
func (s namedSalt) String() string { return s.name }

// addSaltFlag adds --salt, which can be given several times.
func addSaltFlag(c *cobra.Command, byDefault string) {
	c.Flags().StringArray("salt", nil,
		"[NAME=] and {env.NAME}, @file or - for standard input: a salt, and a name to show in its place (default: "+byDefault+")")
}

// saltsOf resolves --salt; without it, the published salt of the sandbox.
func saltsOf(c *cobra.Command, core Core) ([]namedSalt, error) {
	given, _ := c.Flags().GetStringArray("salt")
	if !c.Flags().Changed("salt") {
		return []namedSalt{{"sandbox", core.Salt}}, nil
	}
	in := command.NewInput(c)
	var salts []namedSalt
	for _, value := range given {
		name, reference := "salt", value
		if before, after, named := strings.Cut(value, "="); named && isName(before) {
			name, reference = before, after
		}
		salt, err := in.Secret("salt", reference)
		if err != nil {
			return nil, err
		}
		salts = append(salts, namedSalt{name, salt})
	}
	return salts, nil
}

func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}
