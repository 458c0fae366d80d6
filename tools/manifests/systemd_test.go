package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const unit = "packaging/galaxypay-sidecar.service"

// analyze runs systemd-analyze and returns what it prints.
func analyze(t *testing.T, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil && os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatal("the program systemd-analyze is needed and not installed")
	}
	if err != nil {
		t.Skip("the program systemd-analyze is not installed")
	}
	output, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput() //nolint:gosec // fixed arguments
	if err != nil {
		t.Fatalf("systemd-analyze: %v: %s", err, output)
	}
	return string(output)
}

// The unit is no more exposed than the README says. (The score counts tenths.)
func TestUnitIsHardened(t *testing.T) {
	analyze(t, "security", "--offline=true", "--no-pager", "--threshold=12", filepath.Join(root, unit))
	for _, page := range []string{"README.md", "README.vi.md"} {
		if !strings.Contains(readFile(t, "examples/systemd/"+page), " 1.2 ") {
			t.Errorf("examples/systemd/%s does not have the score 1.2", page)
		}
	}
}

// systemd finds no line in the unit that it does not know.
func TestUnitIsUnderstood(t *testing.T) {
	path := filepath.Join(t.TempDir(), filepath.Base(unit))
	text := strings.ReplaceAll(readFile(t, unit), "/usr/bin/galaxypay-sidecar", "/bin/true") // it must exist
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if complaints := analyze(t, "verify", "--man=no", path); strings.Contains(complaints, filepath.Base(unit)) {
		t.Error(complaints)
	}
}

// The service gets each secret that its Caddyfile reads, and the reload finds the admin socket.
func TestUnitFitsTheCaddyfile(t *testing.T) {
	var loaded []string
	for _, match := range regexp.MustCompile(`(?m)^LoadCredential=([^:]+):`).FindAllStringSubmatch(readFile(t, unit), -1) {
		loaded = append(loaded, match[1])
	}
	slices.Sort(loaded)
	const caddyfile = "examples/systemd/Caddyfile"
	if want := secretsIn(t, readFile(t, caddyfile), "/run/credentials/"+filepath.Base(unit)); !slices.Equal(loaded, want) {
		t.Errorf("the unit loads %v, the Caddyfile reads %v", loaded, want)
	}
	const socket = "unix//run/galaxypay-sidecar/admin.sock"
	if !strings.Contains(readFile(t, caddyfile), "\tadmin "+socket+"\n") || !strings.Contains(readFile(t, unit), " --address "+socket+"\n") {
		t.Errorf("the unit and the Caddyfile do not share the admin socket %s", socket)
	}
}
