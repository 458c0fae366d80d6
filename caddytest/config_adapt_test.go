package caddytest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Caddyfile adapts to the expected JSON. Each file in testdata/adapt holds a Caddyfile, a line of ten
// dashes and that JSON.
func TestConfigAdaptsToJSON(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			caddyfile, want, _ := strings.Cut(string(text), "----------\n")
			adapted, warnings, err := adapt(t, caddyfile)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range warnings {
				if w.Directive != "" || !strings.Contains(w.Message, "not formatted") {
					t.Errorf("warning: %s", w)
				}
			}
			var got bytes.Buffer
			if err := json.Indent(&got, adapted, "", "\t"); err != nil {
				t.Fatal(err)
			}
			got.WriteString("\n")
			if *update {
				golden := []byte(caddyfile + "----------\n" + got.String())
				if err := os.WriteFile(file, golden, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got.String() != want {
				t.Errorf("adapted to\n%s\nwant\n%s", got.String(), want)
			}
		})
	}
}
