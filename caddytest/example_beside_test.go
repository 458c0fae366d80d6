package caddytest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// readExampleFile returns a file of examples/.
func readExampleFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// secretFile is the placeholder of a secret in a file.
var secretFile = regexp.MustCompile(`\{file\.[^}]*/([^}/]+)\}`)

// besideConfig fits a Caddyfile of examples/ to the test: its secrets, admin endpoint and store are in dir.
func besideConfig(t *testing.T, path, dir string) string {
	t.Helper()
	config := secretFile.ReplaceAllString(readExampleFile(t, path), "{file."+dir+"/$1}")
	config = regexp.MustCompile(`admin unix//\S+`).ReplaceAllString(config, "admin off")
	return strings.Replace(config, "store sqlite {", "store sqlite "+filepath.Join(t.TempDir(), "store.db")+" {", 1)
}

// Each Caddyfile of examples/ is formatted, adapts without a warning and loads.
func TestExampleCaddyfilesLoad(t *testing.T) {
	files, err := filepath.Glob("../examples/*/*Caddyfile")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d Caddyfiles in examples/, error %v", len(files), err)
	}
	t.Setenv("GALAXYPAY_API_KEY", secretKey)
	t.Setenv("GALAXYPAY_SALT", secretSalt)
	for _, file := range files {
		path := strings.TrimPrefix(file, "../examples/")
		t.Run(path, func(t *testing.T) {
			text := readExampleFile(t, path)
			if string(caddyfile.Format([]byte(text))) != text {
				t.Error("caddy fmt would change it")
			}
			adapter := caddyconfig.GetAdapter("caddyfile")
			if _, warnings, err := adapter.Adapt([]byte(text), map[string]any{"filename": "Caddyfile"}); err != nil || len(warnings) != 0 {
				t.Errorf("error %v, warnings %v", err, warnings)
			}
			dir := t.TempDir()
			for name, secret := range map[string]string{"galaxypay_api_key": secretKey, "galaxypay_salt": secretSalt, "galaxypay_store_key": strings.Repeat("4f", 32)} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(secret+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			start(t, besideConfig(t, path, dir))
		})
	}
}

// The page about Apache and nginx shows the files of examples/, and both servers stand before the same sidecar.
func TestPageShowsTheExamples(t *testing.T) {
	const page = "behind-apache-or-nginx.md"
	for language, path := range map[string]string{"nginx": "nginx/shop.conf", "apache": "apache/shop.conf", "caddyfile": "nginx/Caddyfile"} {
		if docBlock(t, page, language) != readExampleFile(t, path) {
			t.Errorf("the block %s of docs/%s is not examples/%s", language, page, path)
		}
	}
	if readExampleFile(t, "nginx/Caddyfile") != readExampleFile(t, "apache/Caddyfile") {
		t.Error("the Caddyfiles of examples/nginx and examples/apache differ")
	}
}

// readmeCommands are the commands after a marker in the README of a folder in examples/, the same in both languages.
func readmeCommands(t *testing.T, folder, marker string) string {
	t.Helper()
	var commands []string
	for _, name := range []string{"README.md", "README.vi.md"} {
		text := readExampleFile(t, folder+"/"+name)
		block := regexp.MustCompile("(?s)<!-- ci: " + marker + " -->\n```sh\n(.*?)```\n").FindStringSubmatch(text)
		if block == nil {
			t.Fatalf("examples/%s/%s has no block after <!-- ci: %s -->", folder, name, marker)
		}
		commands = append(commands, block[1])
	}
	if commands[0] != commands[1] {
		t.Errorf("the languages of examples/%s have other commands:\n%s\n%s", folder, commands[0], commands[1])
	}
	return commands[0]
}

// The two languages of a README have the same code, links and number of headings.
func TestExampleReadmesAreInStep(t *testing.T) {
	pages, err := filepath.Glob("../examples/*/README.vi.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
	for _, page := range pages {
		folder := filepath.Base(filepath.Dir(page))
		t.Run(folder, func(t *testing.T) {
			english, vietnamese := readExampleFile(t, folder+"/README.md"), readExampleFile(t, folder+"/README.vi.md")
			for name, part := range map[string]*regexp.Regexp{
				"blocks of code": regexp.MustCompile("(?ms)^```.*?^```$"),
				"headings":       regexp.MustCompile(`(?m)^#+ `),
				"list items":     regexp.MustCompile(`(?m)^- `),
			} {
				one, other := part.FindAllString(english, -1), part.FindAllString(vietnamese, -1)
				if strings.Join(one, "\n") != strings.Join(other, "\n") {
					t.Errorf("%s differ:\n%q\n%q", name, one, other)
				}
			}
		})
	}
}

// The files of examples/compose take a payment: with the secrets that its README makes, its two Caddyfiles in one process,
// an app.
func TestExampleComposeTakesPayments(t *testing.T) {
	requireProgram(t, "openssl")
	dir := t.TempDir()
	command := exec.Command("/bin/sh", "-euc", readmeCommands(t, "compose", "secrets")) //nolint:gosec // of this repository
	command.Dir = dir
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("the README's commands: %v: %s", err, output)
	}
	wantModes(t, filepath.Join(dir, "secrets"))

	c := startSites(t, "9180", "9181", "9183", "9190")
	app := newApp(t)
	config := besideConfig(t, "compose/Caddyfile", filepath.Join(dir, "secrets"))
	config = strings.NewReplacer(
		"http://localhost:9181/galaxypay/result", c.url("9181")+"/galaxypay/result?shop=%C4%90%C3%A0+L%E1%BA%A1t",
		"http://localhost:9181", c.url("9181"),
		"127.0.0.1:8000", app.address,
		"environment sandbox", "environment sandbox\nbase_url "+c.url("9190"),
	).Replace(config)
	_, sandbox, _ := strings.Cut(readExampleFile(t, "compose/sandbox.Caddyfile"), "}\n") // without its global options
	c.mustLoad(t, config+sandbox)

	c.post(t, c.url("9180")+"/pay", order).wantStatus(t, http.StatusOK)
	ipnJSON.send(t, c, signedMessage(paidMessage, sandboxSalt)).wantIPNStatus(t, "200")
	if got := app.only(t); got.header.Get("Galaxypay-Payment-Status") != "paid" || got.header.Get("Galaxypay-Order") != "unknown" {
		t.Errorf("the app got %v", got.header)
	}
	for _, path := range []string{"/live", "/ready"} {
		a := c.get(t, c.url("9183")+path)
		a.wantStatus(t, http.StatusOK)
		if !json.Valid([]byte(a.body)) || a.header.Get("Content-Type") != "application/health+json" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	c.get(t, c.url("9183")+"/other").wantStatus(t, http.StatusNotFound)
}

// wantModes checks that a container's user can read the secrets, and no other user of the machine can.
func wantModes(t *testing.T, folder string) {
	t.Helper()
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("the folder of secrets: %v, error %v", info, err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d secrets, error %v", len(entries), err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, error %v", entry.Name(), info, err)
		}
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil || len(bytes.TrimSpace(content)) == 0 {
			t.Errorf("%s is empty, error %v", entry.Name(), err)
		}
	}
}
