package commands

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// ExaminesTextsToo adds to the command that examines a configuration the flags by which it examines a text: with --text it says
// why a text, a signature and a salt do not fit.
func ExaminesTextsToo(doctor *cobra.Command) *cobra.Command {
	doctor.Short = "Says why a signature does not fit, or what is wrong with a configuration"
	doctor.Long = textLong + "\n\nWith --config: " + lowerFirst(doctor.Long)
	doctor.Example = textExample + "\n" + doctor.Example
	addTextFlags(doctor)
	configuration := doctor.RunE
	doctor.RunE = func(c *cobra.Command, args []string) error {
		if !c.Flags().Changed("text") {
			return configuration(c, args)
		}
		if c.Flags().Changed("config") {
			return command.End(c, command.Usage("--text and --config: give one of them; each is a question of its own",
				"--text và --config: chỉ dùng một trong hai; mỗi cờ là một câu hỏi riêng"))
		}
		return command.End(c, doctorText(c))
	}
	return doctor
}

func lowerFirst(text string) string { return strings.ToLower(text[:1]) + text[1:] }

const textLong = `With --text: says why a text, a signature and a salt do not fit, and what to change in PHP, Java,
C#, Python and Node. It tries every known mistake alone, then in pairs. What it names as the cause
is certain; what it only recognises, it says to look at. It needs no network and changes nothing.

The text is what was signed: the body of a request or a reply, or the field data of a callback.
Give it to the byte: save it with curl -o or from the program's raw bytes, not from a log.
A secret is never printed, nor its hash.`

const textExample = `  caddy galaxypay doctor --text @body.json --signature 3f5a... --salt {env.GALAXYPAY_SALT}
  caddy galaxypay doctor --text @data.txt --signature @signature.txt --salt @/run/secrets/galaxypay_salt \
    --previous-salt @old_salt --other-salt @uat_salt --api-key {env.GALAXYPAY_API_KEY}
  caddy galaxypay doctor --text @sent.json --other-text @received.json --signature 3f5a... --salt @salt
  printf %s "$body" | caddy galaxypay doctor --text - --signature 3f5a... --salt @salt --lang vi
  caddy galaxypay doctor --text @body.json --signature 3f5a... --salt @salt --json | jq -r '.causes[].name'`
