package galaxypay

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/desk"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:      "galaxypay",
		Short:     "Works with the Galaxy Pay sidecar",
		Long:      "Works with the Galaxy Pay sidecar. Without a subcommand it lists them.",
		CobraFunc: addSubcommands,
	})
}

func addSubcommands(galaxypay *cobra.Command) {
	galaxypay.AddCommand(openAPICommand(), desk.InboxCommand(), desk.PaymentsCommand(), desk.StoreCommand())
	desk.RefuseUnknown(galaxypay)
}

func openAPICommand() *cobra.Command {
	return &cobra.Command{
		Use:   "openapi",
		Short: "Prints the OpenAPI 3.1 description of the calls that an app can make",
		Long: `Prints the OpenAPI 3.1 description of the calls that an app can make: the
operations of the gateway, their fields, and every failure. A running sidecar answers
GET /openapi.json with the same, for the options of its handler.`,
		Example: "  caddy galaxypay openapi > openapi.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := openAPI()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
