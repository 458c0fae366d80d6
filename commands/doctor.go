package commands

import "github.com/spf13/cobra"

// doctorCommand says why something does not work. Each thing that it can look at has a flag, and a file: --text is in doctortext.go.
func doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Says why a text, a signature and a salt do not fit, and what to change",
		Long: `Says why a text, a signature and a salt do not fit, and what to change in PHP, Java, C#, Python
and Node. It tries every known mistake alone, then in pairs. What it names as the cause is
certain; what it only recognises, it says to look at. It needs no network and changes nothing.

--text is what was signed: the body of a request or a reply, or the field data of a callback.
Give it to the byte: save it with curl -o or from the program's raw bytes, not from a log.
A secret is never printed, nor its hash.

Exit codes: 0 it fits, 1 it does not, 2 wrong usage, 3 a file cannot be read.`,
		Example: `  caddy galaxypay doctor --text @body.json --signature 3f5a... --salt {env.GALAXYPAY_SALT}
  caddy galaxypay doctor --text @data.txt --signature @signature.txt --salt @/run/secrets/galaxypay_salt \
    --previous-salt @old_salt --other-salt @uat_salt --api-key {env.GALAXYPAY_API_KEY}
  caddy galaxypay doctor --text @sent.json --other-text @received.json --signature 3f5a... --salt @salt
  printf %s "$body" | caddy galaxypay doctor --text - --signature 3f5a... --salt @salt --lang vi
  caddy galaxypay doctor --text @body.json --signature 3f5a... --salt @salt --json | jq -r '.causes[].name'`,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("text") {
				return doctorText(c)
			}
			return usagef("expected --text with --signature and --salt; see --help")
		},
	}
	addTextFlags(c)
	return newCommand(c)
}
