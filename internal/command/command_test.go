package command

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// run runs a command that ends with an error, and returns what it printed on standard error.
func run(t *testing.T, ends error, args ...string) (string, error) {
	t.Helper()
	c := Complete(&cobra.Command{Use: "try", SilenceUsage: true, RunE: func(*cobra.Command, []string) error { return ends }})
	var stderr bytes.Buffer
	c.SetOut(io.Discard)
	c.SetErr(&stderr)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	return stderr.String(), err
}

// An error is printed once, in the language and the form that the flags say.
func TestEnd(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	for name, test := range map[string]struct {
		ends error
		args []string
		want string
	}{
		"no":                 {No("refused %d", "từ chối %d", 7), nil, "Error: refused 7\n"},
		"in Vietnamese":      {No("refused", "từ chối"), []string{"--lang", "vi"}, "Lỗi: từ chối\n"},
		"a percent sign":     {Usage("100%", "100%"), nil, "Error: 100%\n"},
		"JSON":               {Unreachable("no answer", "không"), []string{"--json"}, `{"error":"no answer","exitCode":3}` + "\n"},
		"JSON in Vietnamese": {Usage("x", "sai"), []string{"--json", "--lang=vi"}, `{"error":"sai","exitCode":2}` + "\n"},
		"of another kind":    {io.ErrUnexpectedEOF, []string{"--json"}, `{"error":"unexpected EOF","exitCode":3}` + "\n"},
		"said before":        {SaidNo(), nil, ""},
		"interrupted":        {Interrupted(), nil, ""},
		"unknown language":   {nil, []string{"--lang", "fr"}, "Error: --lang: expected en or vi, got \"fr\"\n"},
		"unknown flag":       {nil, []string{"--lang", "vi", "-x"}, "Lỗi: không có cờ -x; xem --help\n"},
		"secret as argument": {nil, []string{"canary"}, "Error: unexpected argument: everything is given by flags; see --help\n"},
	} {
		t.Run(name, func(t *testing.T) {
			printed, err := run(t, test.ends, test.args...)
			if printed != test.want || err == nil {
				t.Errorf("printed %q, want %q; error %v", printed, test.want, err)
			}
		})
	}
	if printed, err := run(t, nil); printed != "" || err != nil {
		t.Errorf("printed %q, error %v", printed, err)
	}
}

func TestIsNo(t *testing.T) {
	for err, want := range map[error]bool{No("a", "b"): true, SaidNo(): true, Usage("a", "b"): false, errors.New("a"): false} {
		if IsNo(err) != want {
			t.Errorf("%v: %t", err, !want)
		}
	}
}

func TestLanguage(t *testing.T) {
	c := &cobra.Command{}
	for locale, want := range map[string]string{
		"vi": "vi", "vi_VN": "vi", "vi_VN.UTF-8": "vi", "vi.UTF-8": "vi", "vi-VN": "vi", "VI": "vi", "C": "en", "en_US.UTF-8": "en", "vic": "en", "vietnam": "en",
	} {
		t.Setenv("LC_ALL", locale)
		if got := Language(c); string(got) != want {
			t.Errorf("%s: %s", locale, got)
		}
	}
}

// A secret comes from a variable, a file or standard input, is no argument, and is never repeated.
func TestSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "salt")
	long := filepath.Join(t.TempDir(), "long")
	for path, content := range map[string]string{file: "canary-7f3a\r\n", long: strings.Repeat("x", longestInput+1)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("COMMAND_SALT", "canary-7f3a")
	t.Setenv("COMMAND_EMPTY", "")
	for reference, code := range map[string]int{
		"{env.COMMAND_SALT}": 0, "@" + file: 0, "{file." + file + "}": 0, "-": 0,
		"canary-7f3a": codeUsage, "": codeUsage, "{env.COMMAND_SALT}canary": codeUsage, "{env.COMMAND_SALT": codeUsage, "{other.COMMAND_SALT}": codeUsage,
		"{env.COMMAND_NOT_SET}": codeUsage, "{env.COMMAND_EMPTY}": codeUsage, "{env.}": codeUsage,
		"@" + file + ".none": codeUnreachable, "@" + long: codeUnreachable, "@" + filepath.Dir(file): codeUnreachable,
	} {
		t.Run(reference, func(t *testing.T) {
			c := &cobra.Command{}
			c.SetIn(strings.NewReader("canary-7f3a\n"))
			got, err := NewInput(c).Secret("salt", reference)
			if code == 0 && (err != nil || string(got) != "canary-7f3a") {
				t.Fatalf("%q, %v", got, err)
			}
			f, isExit := errors.AsType[*ExitError](err)
			if code != 0 && (!isExit || f.code != code || strings.Contains(f.Text.En+f.Text.Vi, "canary") || f.Text.Vi == "") {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestStandardInputIsReadOnce(t *testing.T) {
	c := &cobra.Command{}
	c.SetIn(strings.NewReader("a\n"))
	in := NewInput(c)
	if _, err := in.Secret("salt", "-"); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Read("text", "-"); err == nil || !strings.Contains(err.Error(), "--text: standard input is already read for --salt") {
		t.Error(err)
	}
}
