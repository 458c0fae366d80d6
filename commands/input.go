package commands

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

// longestInput is how many bytes of a file or of standard input are read at most.
const longestInput = 1 << 20

// inputs reads the files that flags name. Standard input can be read once.
type inputs struct {
	c         *cobra.Command
	stdinFlag string // the flag that has taken it
}

// text reads what a flag names, to the byte: "@file", or "-" for standard input.
func (in *inputs) text(flag string) ([]byte, error) {
	value := in.c.Flag(flag).Value.String()
	if value == "-" || strings.HasPrefix(value, "@") {
		return in.read(flag, value)
	}
	return nil, usagef("--%s: expected @file, or - for standard input; in PowerShell put it in quotation marks: '@file'", flag)
}

// read reads "@file" or "-".
func (in *inputs) read(flag, from string) ([]byte, error) {
	if from == "-" {
		return in.stdin(flag)
	}
	file, err := os.Open(strings.TrimPrefix(from, "@"))
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	defer file.Close()
	return bounded(flag, file)
}

func (in *inputs) stdin(flag string) ([]byte, error) {
	if in.stdinFlag != "" {
		return nil, usagef("--%s: standard input is already read for --%s; give one of them as @file", flag, in.stdinFlag)
	}
	in.stdinFlag = flag
	return bounded(flag, in.c.InOrStdin())
}

func bounded(flag string, r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, longestInput+1))
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	if len(text) > longestInput {
		return nil, fmt.Errorf("--%s: more than %d bytes; a message of the gateway is shorter", flag, longestInput)
	}
	return text, nil
}

// rawSecret reads what a flag for a secret says: "{env.NAME}", "@file", "{file./path}", or "-". The secret is as it is there, to
// the byte. It is never the argument itself: arguments are in the list of processes and in the shell's history.
func (in *inputs) rawSecret(flag, value string) ([]byte, error) {
	name, isVariable := strings.CutPrefix(value, "{env.")
	path, isFile := strings.CutPrefix(value, "{file.")
	switch {
	case value == "-" || strings.HasPrefix(value, "@"):
		return in.read(flag, value)
	case isVariable && strings.HasSuffix(name, "}"):
		name = strings.TrimSuffix(name, "}")
		text, set := os.LookupEnv(name)
		if !set {
			return nil, usagef("--%s: the environment variable %s is not set", flag, name)
		}
		return []byte(text), nil
	case isFile && strings.HasSuffix(path, "}"):
		return in.read(flag, "@"+strings.TrimSuffix(path, "}"))
	}
	return nil, usagef("--%s: a secret is not taken from the command line, where other users and the history of the shell see it; "+
		"give it as {env.NAME}, @file, or - for standard input", flag)
}

// secret reads a secret by the rules of the configuration: one line end after it is not part of it, and nothing else may be
// around it.
func (in *inputs) secret(flag, value string) ([]byte, error) {
	raw, err := in.rawSecret(flag, value)
	if err != nil {
		return nil, err
	}
	text := withoutLineEnd(raw)
	if err := secret.Check(string(text)); err != nil {
		return nil, usagef("--%s: %w", flag, err)
	}
	return text, nil
}

// withoutLineEnd takes away one line end, as the placeholder {file.*} of a configuration does.
func withoutLineEnd(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
}

var errNoSalt = errors.New("--salt: missing; give it as {env.NAME}, @file, or - for standard input")

// salts reads --salt, which must be there, and every --other-salt.
func (in *inputs) salts() ([][]byte, error) {
	value := in.c.Flag("salt").Value.String()
	if value == "" {
		return nil, usageError{errNoSalt}
	}
	salt, err := in.secret("salt", value)
	if err != nil {
		return nil, err
	}
	salts := [][]byte{salt}
	if in.c.Flags().Lookup("other-salt") == nil {
		return salts, nil
	}
	others, _ := in.c.Flags().GetStringArray("other-salt")
	for _, value := range others {
		other, err := in.secret("other-salt", value)
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
