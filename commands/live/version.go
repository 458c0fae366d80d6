package live

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

// versions is what version prints.
type versions struct {
	Module   string `json:"module"`
	Caddy    string `json:"caddy"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand(core Core) *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Prints the versions of the module, of Caddy and of Go",
		Long: `Prints the versions of the module, of Caddy and of Go, and the platform. A build from a
working copy is called devel. It looks at nothing but this program: the sidecar that runs
may be another one.

Exit codes: 0 printed; 2 wrong usage.`,
		Example: `  caddy galaxypay version
  caddy galaxypay version --json | jq -r .module`,
	}
	return run(c, func(_ context.Context, c *cobra.Command, _ []string) error {
		v := versions{core.Version, caddyVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
		if command.WantsJSON(c) {
			return command.PrintJSON(c, v)
		}
		for _, line := range [][2]string{{"galaxypay", v.Module}, {"caddy", v.Caddy}, {"go", v.Go}, {"platform", v.Platform}} {
			fmt.Fprintln(c.OutOrStdout(), line[0], line[1])
		}
		return nil
	})
}

// caddyVersion is that of the dependency: in a build with this module as the main one, Caddy itself names the module's.
func caddyVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/caddyserver/caddy/v2" {
				return module.Version
			}
		}
	}
	simple, _ := caddy.Version()
	return simple
}
