package desk

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
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
		return nil, err
	}
	uri := to.path
	if len(parameters) > 0 {
		uri += "?" + parameters.Encode()
	}
	response, err := caddycmd.AdminAPIRequest(address, to.method, uri, nil, nil)
	if err != nil && strings.HasPrefix(err.Error(), "performing request") { // Caddy's error wraps none
		return nil, fmt.Errorf("%w; a running Caddy answers at the address of its option admin, and %s was tried: give another one with --address, or the configuration with --config, and see that its admin is not off", err, address)
	}
	return response, err
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
