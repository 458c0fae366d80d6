package galaxypay

import (
	"errors"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/commands"
	"github.com/galaxypay-sidecar/caddy-galaxypay/desk"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
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
	galaxypay.AddCommand(commands.All(commandCore())...)
	desk.RefuseUnknown(galaxypay)
}

// commandCore is what the commands use of this package.
func commandCore() commands.Core {
	return commands.Core{
		Sign: func(text, salt []byte) string { return (&signer{salt: salt}).sign(text) },
		Verify: func(text []byte, signature string, salt []byte) bool {
			return len(salt) > 0 && (&signer{salt: salt}).verify(text, signature, time.Now()) == signatureProven
		},
		Read:  readFields,
		Judge: judgeData,
	}
}

// readFields finds data and signature in what a callback brings: a body, or a query string.
func readFields(body []byte, contentType string, in language.Tag) (data []byte, signature string, err error) {
	msg, prob := fromBody(body, contentType)
	if prob != nil {
		return nil, "", errors.New(prob.Body(in).Detail)
	}
	return msg.data, msg.signature, nil
}

// judgeData says what the data of a callback means for the order, whether it is proven or not.
func judgeData(data []byte, in language.Tag) (commands.Message, error) {
	message, prob := decode(data)
	if prob != nil {
		return commands.Message{}, errors.New(prob.Body(in).Detail)
	}
	cb, prob := judge(signed{data: data}, message, "")
	if prob != nil {
		return commands.Message{}, errors.New(prob.Body(in).Detail)
	}
	return commands.Message{
		JSON: cb.message, PaymentStatus: string(cb.status), ResponseCode: cb.payment.responseCode,
		RequestID: cb.requestID, OrderID: cb.order, TransactionID: cb.transaction,
	}, nil
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
