package manifests

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// root is the root of the repository.
const root = "../.."

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// imageUser is the user that the image runs as.
func imageUser(t *testing.T) (text string, number int64) {
	t.Helper()
	match := regexp.MustCompile(`(?m)^USER (([0-9]+):[0-9]+)$`).FindStringSubmatch(readFile(t, "Dockerfile"))
	if match == nil {
		t.Fatal("the Dockerfile names no user by number")
	}
	number, err := strconv.ParseInt(match[2], 10, 64)
	if err != nil || number == 0 {
		t.Fatalf("the Dockerfile's user is %s, error %v", match[1], err)
	}
	return match[1], number
}

// secretsIn are the names of the secrets that the text of a Caddyfile reads from a folder.
func secretsIn(t *testing.T, caddyfile, folder string) []string {
	t.Helper()
	var names []string
	for _, match := range regexp.MustCompile(`\{file\.([^}]+)\}`).FindAllStringSubmatch(caddyfile, -1) {
		if filepath.Dir(match[1]) != folder {
			t.Errorf("the Caddyfile reads %s, want a file in %s", match[1], folder)
		}
		names = append(names, filepath.Base(match[1]))
	}
	if len(names) == 0 {
		t.Error("the Caddyfile reads no secret")
	}
	slices.Sort(names)
	return names
}
