package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// stockMain is Caddy as its own project builds it.
const stockMain = `package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() { caddycmd.Main() }
`

// startup compares the two binaries at rest: how soon they answer, what they take up idle, how large they are.
func (b *bench) startup(ctx context.Context) error {
	stock, err := b.buildStock(ctx)
	if err != nil {
		return err
	}
	const gateway = "http://127.0.0.1:9" // nothing calls it
	variants := []struct {
		name, binary string
		start        func() (*server, error)
	}{
		{nameSidecar, b.caddy, func() (*server, error) { return b.sidecar(ctx, gateway, "") }},
		{"stock Caddy", stock, func() (*server, error) {
			return b.caddySite(ctx, stock, "\tmetrics\n", "\treverse_proxy "+gateway)
		}},
	}
	took, idle := make(map[string][]float64), make(map[string][]float64)
	for round := range b.rounds + 1 {
		for _, v := range variants {
			progress("starting %s", v.name)
			started := time.Now()
			s, err := v.start()
			if err != nil {
				return err
			}
			ready := time.Since(started)
			if round == 0 { // the file is read from disk for the first time
				b.stopChildren()
				continue
			}
			took[v.name] = append(took[v.name], float64(ready.Microseconds())/1000)
			time.Sleep(time.Second) // until what the start has set going is done
			resident, err := memoryOf(s.pid(), "VmRSS")
			if err != nil {
				return err
			}
			idle[v.name] = append(idle[v.name], float64(resident))
			b.stopChildren()
		}
	}
	t := b.report.table("At rest", "variant", "exec until the port answers, ms", "idle, resident MiB", "binary, MiB")
	for _, v := range variants {
		file, err := os.Stat(v.binary)
		if err != nil {
			return err
		}
		t.row(v.name, fmt.Sprintf("%.0f", median(took[v.name])), mib(median(idle[v.name])), mib(file.Size()))
	}
	b.report.Samples["startup/ms"], b.report.Samples["startup/idle"] = took, idle
	return nil
}

// buildStock compiles the Caddy version of go.mod without the Galaxy Pay modules. Its file lies outside of the
// checkout, but is compiled from within, where go.mod counts.
func (b *bench) buildStock(ctx context.Context) (binary string, err error) {
	if err := os.Mkdir(filepath.Join(b.dir, "stock"), 0o700); err != nil {
		return "", err
	}
	source, err := b.write(filepath.Join("stock", "main.go"), stockMain)
	if err != nil {
		return "", err
	}
	progress("building stock Caddy")
	binary = filepath.Join(b.dir, "stock", "caddy")
	return binary, b.build(ctx, binary, source)
}
