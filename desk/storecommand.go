package desk

import (
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
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
	return group(c, checkCommand(), backupCommand())
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Reads everything in the store and looks for damage",
		Long: `Reads everything in the store and looks for damage. Where some is found it ends with code 1, and says
what is damaged. PostgreSQL has tools of its own for this.`,
		Example: `  caddy galaxypay store check`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if command.WantsJSON(cmd) {
				return printAnswer(cmd, checkRoute, nil)
			}
			var answer struct{ Checked int }
			if err := requestJSON(cmd, checkRoute, nil, &answer); err != nil {
				return err
			}
			cmd.Printf(command.Say(cmd, "Records that were read, and are not damaged: %d\n", "Số bản ghi đã đọc và không hỏng: %d\n"), answer.Checked)
			return nil
		},
	}
}

func backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup <file>",
		Short: "Copies the store to a new file, on the machine of the sidecar",
		Long: `Copies the store to a new file, on the machine of the sidecar. A file that is there is not written over.
PostgreSQL has tools of its own for this.`,
		Example: `  caddy galaxypay store backup /backup/store-2026-11-28.db`,
		Args:    command.Arguments(1, "the file to write", "tệp cần ghi"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0]) // the sidecar has another working directory
			if err != nil {
				return err
			}
			parameters := url.Values{"file": {path}}
			if command.WantsJSON(cmd) {
				return printAnswer(cmd, backupRoute, parameters)
			}
			var answer struct{ File string }
			if err := requestJSON(cmd, backupRoute, parameters, &answer); err != nil {
				return err
			}
			cmd.Printf(command.Say(cmd, "Copied to %s\n", "Đã sao chép vào %s\n"), answer.File)
			return nil
		},
	}
}
