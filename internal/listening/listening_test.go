package listening

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// inFolder makes the folder of lock files one of the test's own, and does not wait long for
// other processes.
func inFolder(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the folder has another variable")
	}
	usual := patience
	patience = 50 * time.Millisecond
	t.Cleanup(func() { patience = usual })
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

func addresses(t *testing.T, listen ...string) []Address {
	t.Helper()
	all, err := Of(listen)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// asAnother locks an address as another process does, until the returned function is called.
func asAnother(t *testing.T, listen string) (end func()) {
	t.Helper()
	l, err := tryAddress(addresses(t, listen)[0])
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = l.file.Close() } // as if it were killed: the file stays
}

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		":9180":                    ":9180",
		"127.0.0.1:9180":           "127.0.0.1:9180",
		"localhost:9180":           "127.0.0.1:9180",
		"LocalHost:9180":           "127.0.0.1:9180",
		"tcp/127.0.0.1:9180":       "127.0.0.1:9180",
		"tcp4/:9180":               "0.0.0.0:9180",
		"tcp6/:9180":               "[::]:9180",
		"[::]:9180":                ":9180",
		"0.0.0.0:9180":             "0.0.0.0:9180",
		"[::1]:9180":               "[::1]:9180",
		"[0:0:0:0:0:0:0:1]:9180":   "[::1]:9180",
		"[::ffff:127.0.0.1]:9180":  "127.0.0.1:9180",
		"Shop.Example:443":         "shop.example:443",
		"127.0.0.1:9180-9182":      "127.0.0.1:9180 127.0.0.1:9181 127.0.0.1:9182",
		":0":                       "",
		"unix//run/galaxypay.sock": "",
		"unix+h2c//run/x.sock":     "",
		"fd/3":                     "",
		"fdgram/3":                 "",
		"udp/:9180":                "",
	} {
		t.Run(text, func(t *testing.T) {
			var got []string
			for _, a := range addresses(t, text) {
				got = append(got, a.String())
				if back, ok := addressOf(a.fileName()); !ok || back != a {
					t.Errorf("%s is read back as %s, %t", a.fileName(), back, ok)
				}
				if strings.ContainsAny(a.fileName(), `/\:`) {
					t.Errorf("file name %s", a.fileName())
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("addresses %s, want %s", got, want)
			}
		})
	}
	if _, err := Of([]string{"127.0.0.1:x"}); err == nil {
		t.Error("an address that is none")
	}
}

func TestOverlaps(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{":9180", ":9180", true},
		{":9180", "127.0.0.1:9180", true},
		{":9180", "[::1]:9180", true},
		{":9180", "shop.example:9180", true},
		{"0.0.0.0:9180", "127.0.0.1:9180", true},
		{"0.0.0.0:9180", "shop.example:9180", true},
		{"tcp6/:9180", "[::1]:9180", true},
		{"localhost:9180", "127.0.0.1:9180", true},
		{"0.0.0.0:9180", "[::1]:9180", false},
		{"tcp4/:9180", "tcp6/:9180", false},
		{"tcp6/:9180", "127.0.0.1:9180", false},
		{"127.0.0.1:9180", "127.0.0.2:9180", false},
		{"127.0.0.1:9180", "[::1]:9180", false},
		{":9180", ":9181", false},
		{":9180", "127.0.0.1:918", false},
	} {
		a, b := addresses(t, test.a)[0], addresses(t, test.b)[0]
		if a.overlaps(b) != test.want || b.overlaps(a) != test.want {
			t.Errorf("%s and %s: %t, %t", test.a, test.b, a.overlaps(b), b.overlaps(a))
		}
	}
}

// Configurations of one process share addresses, as two do during a reload. The last one that
// lets go leaves nothing behind.
func TestTakeIsSharedByConfigurations(t *testing.T) {
	dir := inFolder(t)
	first, err := Take(addresses(t, ":9180", "127.0.0.1:9181"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Take(addresses(t, "127.0.0.1:9180", ":9180", ":9181"))
	if err != nil {
		t.Fatal(err)
	}
	first.Release()
	first.Release()
	if _, err := tryAddress(addresses(t, ":9180")[0]); !errors.Is(err, errTaken) {
		t.Errorf("another process: %v", err)
	}
	second.Release()
	for _, listen := range []string{":9180", "127.0.0.1:9181"} {
		l, err := tryAddress(addresses(t, listen)[0])
		if err != nil {
			t.Fatal(err)
		}
		l.remove()
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	var none *Claim
	none.Release()
}

func TestTakeRefusesWhatAnotherProcessHas(t *testing.T) {
	for name, test := range map[string]struct{ theirs, ours string }{
		"the same":            {"127.0.0.1:9180", "127.0.0.1:9180"},
		"every address":       {"127.0.0.1:9180", ":9180"},
		"one of every":        {":9180", "127.0.0.1:9180"},
		"by name":             {"localhost:9180", "127.0.0.1:9180"},
		"one of a range":      {":9181", ":9180-9182"},
		"every one of IPv4":   {"0.0.0.0:9180", "127.0.0.1:9180"},
		"the second of three": {"127.0.0.1:9181", "127.0.0.1:9180-9182"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := inFolder(t)
			end := asAnother(t, test.theirs)
			c, err := Take(addresses(t, test.ours))
			if c != nil || !errors.Is(err, errTaken) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), ":918") {
				t.Fatalf("claimed %v, error %v", c, err)
			}
			if len(held) > 0 {
				t.Errorf("still held: %v", held)
			}
			end() // it was killed: its file stays, unlocked
			if c, err = Take(addresses(t, test.ours)); err != nil {
				t.Fatal(err)
			}
			c.Release()
		})
	}
}

func TestTakeBesideAnotherProcess(t *testing.T) {
	inFolder(t)
	for _, theirs := range []string{":9181", "127.0.0.2:9180", "[::1]:9180"} {
		defer asAnother(t, theirs)()
	}
	c, err := Take(addresses(t, "127.0.0.1:9180", ":9182"))
	if err != nil {
		t.Fatal(err)
	}
	c.Release()
}

// A process that is just ending is waited for.
func TestTakeWaits(t *testing.T) {
	inFolder(t)
	patience = time.Minute
	l, err := tryAddress(addresses(t, ":9180")[0])
	if err != nil {
		t.Fatal(err)
	}
	claimed := make(chan error)
	go func() {
		c, err := Take(addresses(t, "127.0.0.1:9180"))
		c.Release()
		claimed <- err
	}()
	l.remove()
	if err := <-claimed; err != nil {
		t.Error(err)
	}
}

// Of processes that start at once, one gets the address.
func TestOneOfManyGetsTheAddress(t *testing.T) {
	inFolder(t)
	const processes = 8
	results := make(chan *lock)
	for n := range processes {
		listen := []string{":9180", "127.0.0.1:9180"}[n%2]
		go func() {
			l, err := tryAddress(addresses(t, listen)[0])
			if err != nil && !errors.Is(err, errTaken) {
				t.Error(err)
			}
			results <- l
		}()
	}
	var got []*lock
	for range processes {
		if l := <-results; l != nil {
			got = append(got, l)
		}
	}
	if len(got) > 1 {
		t.Errorf("%d have it", len(got))
	}
	for _, l := range got {
		l.remove()
	}
}

// What lies in the folder may be put there by others. No link is followed, and nothing is
// waited for.
func TestTakeFollowsNoLink(t *testing.T) {
	for name, put := range map[string]func(path, dir string) error{
		"link":           func(path, dir string) error { return os.Symlink(filepath.Join(dir, "target"), path) },
		"link to a file": func(path, _ string) error { return os.Symlink("/etc/hostname", path) },
		"folder":         func(path, _ string) error { return os.Mkdir(path, 0o700) },
		"pipe":           makePipe,
	} {
		t.Run(name, func(t *testing.T) {
			dir := inFolder(t)
			a := addresses(t, "127.0.0.1:9180")[0]
			path := filepath.Join(dir, a.fileName())
			if err := put(path, dir); err != nil {
				t.Fatal(err)
			}
			for _, listen := range []string{"127.0.0.1:9180", ":9180"} { // its own file, and one that is looked at
				c, err := Take(addresses(t, listen))
				if c != nil || err == nil || errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), "remove "+path) {
					t.Errorf("%s: claimed %v, error %v", listen, c, err)
				}
			}
			if _, err := os.Lstat(filepath.Join(dir, "target")); err == nil {
				t.Error("the link was followed")
			}
		})
	}
}

// Another user's sidecar makes a file that this one can lock too. One that cannot be opened
// leaves open whether it is locked.
func TestTakeOfAnotherUsersFile(t *testing.T) {
	dir := inFolder(t)
	defer narrowUmask()()
	c, err := Take(addresses(t, ":9180"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, addresses(t, ":9180")[0].fileName())
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 || info.Size() != 0 {
		t.Errorf("file %v, %v", info, err)
	}
	c.Release()
	if os.Geteuid() == 0 {
		t.Skip("root can open every file")
	}
	if err := os.WriteFile(path, nil, 0o000); err != nil {
		t.Fatal(err)
	}
	if _, err := Take(addresses(t, ":9180")); err == nil || errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), "remove "+path) {
		t.Errorf("error %v", err)
	}
}

// A file that was removed while it was locked is no lock any more: the next one makes another.
func TestALockOfARemovedFileIsNone(t *testing.T) {
	dir := inFolder(t)
	path := filepath.Join(dir, "lock")
	file, err := open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !isAt(file, path) {
		t.Error("the file is not where it was made")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if isAt(file, path) {
		t.Error("the file was removed")
	}
	other, err := open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if isAt(file, path) || !isAt(other, path) {
		t.Error("the other file is at the path now")
	}
}

func TestTakeWithoutAFolder(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(inFolder(t), "absent"))
	if _, err := Take(addresses(t, ":9180")); !errors.Is(err, ErrUnusable) {
		t.Errorf("error %v", err)
	}
	if c, err := Take(nil); err != nil || c == nil {
		t.Errorf("nothing to claim: %v", err)
	}
}

// Containers may share the folder and no network.
func TestOtherNetworksAreLeftAlone(t *testing.T) {
	a := addresses(t, ":9180")[0]
	if _, ok := addressOf(strings.Replace(a.fileName(), filePrefix+network(), filePrefix+"1", 1)); ok && network() != "1" {
		t.Error("a file of another network")
	}
	for _, name := range []string{"", "galaxypay-listen-", filePrefix + network() + "-9180.lock", filePrefix + network() + "-9180-", filePrefix + network() + "-9180-%zz.lock"} {
		if _, ok := addressOf(name); ok {
			t.Errorf("%q is read as an address", name)
		}
	}
}
