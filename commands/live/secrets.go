package live

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

// namedSalt is a salt with the name that people gave it. It prints as that.
type namedSalt struct {
	name string
	salt []byte
}

// String keeps the salt out of everything that prints it.
func (s namedSalt) String() string { return s.name }

// longestSecret bounds what is read of a file or of standard input.
const longestSecret = 64 << 10

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
	var salts []namedSalt
	for _, value := range given {
		name, reference := "salt", value
		if before, after, named := strings.Cut(value, "="); named && isName(before) {
			name, reference = before, after
		}
		salt, err := readSecret(c, "--salt", reference)
		if err != nil {
			return nil, err
		}
		salts = append(salts, namedSalt{name, []byte(salt)})
	}
	return salts, nil
}

func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// readSecret reads what a reference leads to. A secret itself is refused, and not repeated.
func readSecret(c *cobra.Command, flag, reference string) (string, error) {
	switch {
	case reference == "-":
		text, err := io.ReadAll(io.LimitReader(c.InOrStdin(), longestSecret))
		if err != nil {
			return "", unreachable("%s: standard input cannot be read: %v", "%s: không đọc được đầu vào chuẩn: %v", flag, err)
		}
		return checked(flag, text)
	case strings.HasPrefix(reference, "@"):
		text, err := readFile(reference[1:], longestSecret)
		if err != nil {
			return "", unreachable("%s: %v", "%s: %v", flag, err)
		}
		return checked(flag, text)
	case secret.IsPlaceholder(reference):
		text, err := secret.Resolve(reference)
		if err != nil {
			return "", unreachable("%s: %v", "%s: %v", flag, err)
		}
		return text, nil
	}
	return "", usage("%s: expected {env.NAME}, @file, or - for standard input; a secret on the command line is seen by other users of this machine, and stays in the history of the shell",
		"%s: cần {env.TÊN}, @file, hoặc - cho đầu vào chuẩn; bí mật ghi ngay trên dòng lệnh thì người dùng khác của máy này thấy được, và còn lại trong lịch sử của shell", flag)
}

// readFile reads a file, up to a number of bytes.
func readFile(path string, longest int64) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // G304: the user of the command names the file
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, longest))
}

// checked takes the line end off that editors and echo leave, and refuses what is no secret.
func checked(flag string, text []byte) (string, error) {
	one := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if err := secret.Check(one); err != nil {
		return "", usage("%s: %v", "%s: %v", flag, err)
	}
	return one, nil
}
