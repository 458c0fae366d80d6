package command

import (
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

// longestInput is how many bytes of a file or of standard input are read at most.
const longestInput = 1 << 20

// Input reads the texts and secrets that flags name. Standard input can be read once.
type Input struct {
	c         *cobra.Command
	stdinFlag string // the flag that has taken it
}

// NewInput returns the Input of a command.
func NewInput(c *cobra.Command) *Input { return &Input{c: c} }

// Text reads what a flag names, to the byte: "@file", or "-" for standard input.
func (in *Input) Text(flag string) ([]byte, error) {
	value := in.c.Flag(flag).Value.String()
	if IsReference(value) {
		return in.Read(flag, value)
	}
	return nil, Usage("--%s: expected @file, or - for standard input; in PowerShell put it in quotation marks: '@file'",
		"--%s: cần @tệp, hoặc - cho đầu vào chuẩn; trong PowerShell hãy đặt trong dấu nháy: '@tệp'", flag)
}

// IsReference reports whether a value is "@file" or "-".
func IsReference(value string) bool { return value == "-" || strings.HasPrefix(value, "@") }

// Read reads "@file", or "-". The flag is for errors.
func (in *Input) Read(flag, from string) ([]byte, error) {
	if from == "-" {
		return in.stdin(flag)
	}
	file, err := os.Open(strings.TrimPrefix(from, "@"))
	if err != nil {
		return nil, unreadable(flag, err)
	}
	defer file.Close()
	return bounded(flag, file)
}

func unreadable(flag string, err error) error {
	return Unreachable("--%s: %v", "--%s: không đọc được: %v", flag, err)
}

func (in *Input) stdin(flag string) ([]byte, error) {
	if in.stdinFlag != "" {
		return nil, Usage("--%s: standard input is already read for --%s; give one of them as @file",
			"--%s: đầu vào chuẩn đã được đọc cho --%s; hãy truyền một trong hai bằng @tệp", flag, in.stdinFlag)
	}
	in.stdinFlag = flag
	return bounded(flag, in.c.InOrStdin())
}

func bounded(flag string, r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, longestInput+1))
	if err != nil {
		return nil, unreadable(flag, err)
	}
	if len(text) > longestInput {
		return nil, Unreachable("--%s: more than %d bytes; a message of the gateway is shorter",
			"--%s: dài hơn %d byte; thông điệp của cổng ngắn hơn", flag, longestInput)
	}
	return text, nil
}

// RawSecret reads what a flag for a secret says: "{env.NAME}", "@file", "{file./path}", or "-". The secret is as it is there, to
// the byte. It is never the argument itself: arguments are in the list of processes and in the shell's history.
func (in *Input) RawSecret(flag, value string) ([]byte, error) {
	if IsReference(value) {
		return in.Read(flag, value)
	}
	name, _ := strings.CutPrefix(value, "{env.")
	path, isFile := strings.CutPrefix(value, "{file.")
	if !secret.IsPlaceholder(value) {
		return nil, Usage("--%s: expected {env.NAME}, @file, or - for standard input; "+
			"a secret is not taken from the command line, where other users and the history of the shell see it",
			"--%s: cần {env.TÊN}, @tệp, hoặc - cho đầu vào chuẩn; "+
				"không nhận bí mật ghi ngay trên dòng lệnh, nơi người dùng khác và lịch sử của shell thấy được", flag)
	}
	if isFile {
		return in.Read(flag, "@"+strings.TrimSuffix(path, "}"))
	}
	name = strings.TrimSuffix(name, "}")
	text, isSet := os.LookupEnv(name)
	if !isSet {
		return nil, Usage("--%s: the environment variable %s is not set", "--%s: biến môi trường %s chưa được đặt", flag, name)
	}
	return []byte(text), nil
}

// Secret reads a secret by the rules of the configuration: one line end after it is not part of it, and nothing else may be
// around it.
func (in *Input) Secret(flag, value string) ([]byte, error) {
	raw, err := in.RawSecret(flag, value)
	if err != nil {
		return nil, err
	}
	text := WithoutLineEnd(raw)
	if err := secret.Check(string(text)); err != nil {
		return nil, Usage("--%s: %v", "--%s: bí mật không hợp lệ: %v", flag, err)
	}
	return text, nil
}

// WithoutLineEnd takes away one line end, as the placeholder {file.*} of a configuration does.
func WithoutLineEnd(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
}
