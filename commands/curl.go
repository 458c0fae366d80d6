package commands

import (
	"net/url"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// parseCurl takes apart a command line of curl, as browsers, Postman and people write it for a POSIX shell.
func (in *inputs) parseCurl(text string) (*message, error) {
	words, err := shellWords(text)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 || words[0] != "curl" {
		return nil, command.Usage("--curl: the command does not begin with curl", "--curl: lệnh không bắt đầu bằng curl")
	}
	m := new(message)
	var data []string
	for i := 1; i < len(words); i++ {
		option, value, takes := optionOf(words, &i)
		if !takes {
			m.setAddress(option)
			continue
		}
		switch option {
		case "-H", "--header":
			m.addHeader(value)
		case "-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json":
			text, err := in.curlData(option, value)
			if err != nil {
				return nil, err
			}
			data = append(data, text)
		case "--data-urlencode":
			name, rest, _ := strings.Cut(value, "=")
			data = append(data, name+"="+url.QueryEscape(rest))
		case "--url":
			m.setAddress(value)
		}
	}
	m.body = []byte(strings.Join(data, "&"))
	return m, nil
}

// setAddress takes the query string of an address; words that are no address, such as the option -s, do nothing.
func (m *message) setAddress(word string) {
	if u, err := url.Parse(word); err == nil && !strings.HasPrefix(word, "-") {
		m.query = u.RawQuery
	}
}

// withValue are the options of curl that take a value and are often in a pasted command.
var withValue = []string{
	"--header", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json", "--url", "--request", "--user-agent",
	"--user", "--cookie", "--referer", "--output", "--max-time", "--connect-timeout", "--proxy", "--cacert", "--cert", "--key", "--resolve",
	"-H", "-d", "-X", "-A", "-u", "-b", "-e", "-o", "-m", "-x",
}

// optionOf reads the word at i, and the value of the option that it is. i is then at the last word of it.
func optionOf(words []string, i *int) (option, value string, takes bool) {
	word := words[*i]
	for _, option := range withValue {
		long := strings.HasPrefix(option, "--")
		rest, found := strings.CutPrefix(word, option)
		switch {
		case !found || long && rest != "" && rest[0] != '=':
			continue
		case long && rest != "":
			return option, rest[1:], true
		case rest != "":
			return option, rest, true
		case *i+1 < len(words):
			*i++
			return option, words[*i], true
		}
	}
	return word, "", false
}

// curlData is what curl sends of the value of a data option: --data takes line ends out of a file, --data-binary does not.
func (in *inputs) curlData(option, value string) (string, error) {
	file, isFile := strings.CutPrefix(value, "@")
	if !isFile || option == "--data-raw" {
		return value, nil
	}
	text, err := in.Read("curl", "@"+file)
	if option == "-d" || option == "--data" || option == "--data-ascii" {
		return strings.NewReplacer("\r", "", "\n", "").Replace(string(text)), err
	}
	return string(text), err
}

func errUnclosed() error {
	return command.Usage("--curl: a quotation mark is not closed in the command of curl", "--curl: lệnh curl có dấu nháy chưa đóng")
}

// shellWords splits a command line as a POSIX shell does, with $'...' as bash has it. Nothing is expanded.
func shellWords(text string) ([]string, error) {
	s := shell{rest: text}
	for s.rest != "" {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	s.endWord()
	return s.words, nil
}

type shell struct {
	rest   string
	words  []string
	word   strings.Builder
	inWord bool
}

func (s *shell) endWord() {
	if s.inWord {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.inWord = false
}

// step reads one character, or everything between quotation marks.
func (s *shell) step() error {
	switch {
	case strings.HasPrefix(s.rest, "\\\r\n"):
		s.rest = s.rest[3:]
	case strings.HasPrefix(s.rest, "\\\n"):
		s.rest = s.rest[2:]
	case strings.HasPrefix(s.rest, "$'"):
		return s.quoted(2, '\'', true)
	case s.rest[0] == '\'':
		return s.quoted(1, '\'', false)
	case s.rest[0] == '"':
		return s.quoted(1, '"', true)
	case s.rest[0] == '\\' && len(s.rest) > 1:
		s.add(s.rest[1:2])
		s.rest = s.rest[2:]
	case strings.ContainsRune(" \t\r\n", rune(s.rest[0])):
		s.endWord()
		s.rest = s.rest[1:]
	default:
		s.add(s.rest[:1])
		s.rest = s.rest[1:]
	}
	return nil
}

func (s *shell) add(text string) {
	s.word.WriteString(text)
	s.inWord = true
}

// quoted reads up to the closing mark. skip is the length of the opening one; $'...' has escapes of its own.
func (s *shell) quoted(skip int, mark byte, escapes bool) error {
	ansi := skip == 2
	s.rest = s.rest[skip:]
	s.inWord = true
	for s.rest != "" {
		c := s.rest[0]
		switch {
		case c == mark:
			s.rest = s.rest[1:]
			return nil
		case escapes && c == '\\' && len(s.rest) > 1:
			s.escape(ansi)
		default:
			s.word.WriteByte(c)
			s.rest = s.rest[1:]
		}
	}
	return errUnclosed()
}

// escape reads a backslash and what follows it between marks.
func (s *shell) escape(ansi bool) {
	next := s.rest[1]
	s.rest = s.rest[2:]
	if ansi {
		s.escapeANSI(next)
		return
	}
	if strings.IndexByte("\"\\$`", next) < 0 && next != '\n' {
		s.word.WriteByte('\\')
	}
	if next != '\n' {
		s.word.WriteByte(next)
	}
}

func (s *shell) escapeANSI(next byte) {
	if next == 'u' || next == 'x' {
		s.codePoint(next)
		return
	}
	if at := strings.IndexByte("nrt", next); at >= 0 {
		next = "\n\r\t"[at]
	}
	s.word.WriteByte(next)
}

// codePoint reads the digits of \uXXXX, which is a character, or of \xXX, which is a byte.
func (s *shell) codePoint(kind byte) {
	most := map[byte]int{'u': 4, 'x': 2}[kind]
	digits, value := 0, rune(0)
	for digits < most && digits < len(s.rest) {
		at := strings.IndexByte("0123456789abcdef", s.rest[digits]|0x20)
		if at < 0 {
			break
		}
		value = value<<4 | rune(at) //nolint:gosec // G115: a hex digit
		digits++
	}
	s.rest = s.rest[digits:]
	if kind == 'x' {
		s.word.WriteByte(byte(value))
		return
	}
	s.word.WriteRune(value)
}
