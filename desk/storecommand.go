package desk

import (
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"
)

// StoreCommand returns the command "caddy galaxypay store" with its subcommands. Each calls the
// admin API of a running sidecar.
func StoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "Checks and backs up the store of a running sidecar",
		Long: `Checks and backs up the store of a running sidecar, while it is in use.
It calls Caddy's admin API, which the configuration must not turn off.`,
	}
	addAddressFlags(c)
	c.AddCommand(checkCommand(), backupCommand())
	RefuseUnknown(c)
	return c
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Reads everything in the store and looks for damage",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer struct{ Checked int }
			if err := requestJSON(cmd, checkRoute, nil, &answer); err != nil {
				return err
			}
			cmd.Printf("Records that were read, and are not damaged: %d\n", answer.Checked)
			return nil
		},
	}
}

func backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup <file>",
		Short: "Copies the store to a new file, on the machine of the sidecar",
		Args:  one("the file to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0]) // the sidecar has another working directory
			if err != nil {
				return err
			}
			var answer struct{ File string }
			if err := requestJSON(cmd, backupRoute, url.Values{"file": {path}}, &answer); err != nil {
				return err
			}
			cmd.Printf("Copied to %s\n", answer.File)
			return nil
		},
	}
}
