package desk

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// addAddressFlags adds the flags that say where the admin API is, to a command and its
// subcommands.
func addAddressFlags(c *cobra.Command) {
	flags := c.PersistentFlags()
	flags.String("address", "", "The address of the admin API (default: that of the configuration, else Caddy's)")
	flags.StringP("config", "c", "", "A configuration file to take the address from")
	flags.StringP("adapter", "a", "", "The adapter of that file")
}

// request calls the admin API of the running Caddy.
func request(cmd *cobra.Command, to route, parameters url.Values) (*http.Response, error) {
	text := func(flag string) string { return cmd.Flag(flag).Value.String() }
	address, err := caddycmd.DetermineAdminAPIAddress(text("address"), nil, text("config"), text("adapter"))
	if err != nil {
		return nil, command.Unreachable("--config: %v", "--config: không đọc được: %v", err)
	}
	uri := to.path
	if len(parameters) > 0 {
		uri += "?" + parameters.Encode()
	}
	response, err := caddycmd.AdminAPIRequest(address, to.method, uri, nil, nil)
	if err != nil {
		return nil, explain(err, address)
	}
	return response, nil
}

// explain finds the exit code of an error of Caddy's, which wraps none.
func explain(err error, address string) error {
	said := err.Error()
	answer, isAnswer := strings.CutPrefix(said, "caddy responded with error: HTTP ")
	switch {
	case isAnswer && isWithoutAnswer(answer):
		return command.Unreachable("%s", "%s", said)
	case isAnswer:
		return command.No("%s", "%s", said)
	case strings.HasPrefix(said, "invalid admin address"), strings.HasPrefix(said, "making request"):
		return command.Usage("--address: %s", "--address: địa chỉ không hợp lệ: %s", said)
	case !strings.HasPrefix(said, "performing request"):
		return err
	}
	return command.Unreachable("%[1]s; a running Caddy answers at the address of its option admin, and %[2]s was tried: give another one with --address, or the configuration with --config, and see that its admin is not off",
		"%[1]s; Caddy đang chạy trả lời tại địa chỉ trong tùy chọn admin, và đã thử %[2]s: hãy truyền địa chỉ khác bằng --address, hoặc cấu hình bằng --config, và xem admin có bị off không", said, address)
}

// isWithoutAnswer reports whether the sidecar has had no answer itself: of the gateway, or of its store.
func isWithoutAnswer(answer string) bool {
	return slices.ContainsFunc([]string{"502", "503", "504"}, func(status string) bool { return strings.HasPrefix(answer, status) })
}

// requestJSON calls the admin API and decodes its answer.
func requestJSON(cmd *cobra.Command, to route, parameters url.Values, answer any) error {
	response, err := request(cmd, to, parameters)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}

// printAnswer calls the admin API and prints its answer unchanged.
func printAnswer(cmd *cobra.Command, to route, parameters url.Values) error {
	response, err := request(cmd, to, parameters)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(cmd.OutOrStdout(), response.Body)
	return err
}
