//go:build linux

package caddytest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk is a file system of a few MiB in a file, so that a test can fill it.
type smallDisk struct {
	dir     string
	ballast string
}

// newSmallDisk mounts one. A test that may not mount is skipped, also under REQUIRE_ALL=1: containers seldom have that right, root's too.
func newSmallDisk(t *testing.T) *smallDisk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a file system")
	}
	mkfs := requireProgram(t, "mkfs.ext4")
	image, dir := filepath.Join(t.TempDir(), "disk"), t.TempDir()
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 8<<20)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mkfs, "-q", "-F", "-O", "^has_journal", "-m", "0", image).CombinedOutput(); err != nil { //nolint:gosec // G204: of the test
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, dir).CombinedOutput(); err != nil { //nolint:gosec // G204: of the test
		t.Skipf("a file system cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil { //nolint:gosec // G204: of the test
			t.Errorf("%v: %s", err, out)
		}
	})
	return &smallDisk{dir, filepath.Join(dir, "ballast")}
}

// fill takes all the space that is left. Any goroutine may call it.
func (d *smallDisk) fill(t *testing.T) {
	t.Helper()
	file, err := os.OpenFile(d.ballast, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Error(err)
		return
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		switch _, err := file.Write(make([]byte, size)); {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			t.Error(err)
			return
		}
	}
}

// empty gives the space back.
func (d *smallDisk) empty(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.ballast); err != nil {
		t.Fatal(err)
	}
}

// fullSidecar is a sidecar whose store is on a small disk, and an app that gets the events of an inbox.
type fullSidecar struct {
	boundSidecar
	disk   *smallDisk
	config string
	calls  int
}

func newFullSidecar(t *testing.T) *fullSidecar {
	t.Helper()
	disk, g, app := newSmallDisk(t), newGateway(t), newApp(t)
	config := sidecarConfig(g.merchant(t)+"store sqlite "+filepath.Join(disk.dir, "store", "store.db")+"\nreconcile off\n") + `
		http://:9181 {
			galaxypay_ipn /galaxypay/ipn {
				inbox {
					deliver_to http://` + app.address + `
				}
			}
			respond "no callback" 418
		}`
	return &fullSidecar{boundSidecar: boundSidecar{sidecar{start(t, config), g}, app}, disk: disk, config: config}
}

// largeAnswer is a responseData that needs more space than a change leaves.
var largeAnswer = `{"transactionID":"T-1","note":"` + strings.Repeat("x", 40<<10) + `"}`

// refund makes a call under a new key, and returns the key.
func (s *fullSidecar) refund(t *testing.T) (key string, a httpAnswer) {
	t.Helper()
	s.calls++
	key = fmt.Sprintf("refund-%d", s.calls)
	return key, s.call(t, "/refund", refund, "Idempotency-Key", key)
}

// untilFull makes calls until one cannot be recorded, and returns the answers of the others. SQLite writes to the space of its log first.
func (s *fullSidecar) untilFull(t *testing.T) (answered map[string]httpAnswer) {
	t.Helper()
	answered = map[string]httpAnswer{}
	for range 1000 {
		key, a := s.refund(t)
		if a.status == http.StatusServiceUnavailable {
			a.wantProblem(t, http.StatusServiceUnavailable, "store_unavailable", "not_sent")
			return answered
		}
		a.wantOK(t, largeAnswer)
		answered[key] = a
	}
	t.Fatal("the disk is never full")
	return nil
}

// On a full disk, nothing is sent that cannot be recorded, and no event is acknowledged that cannot be kept. What is recorded is answered.
// When there is space again, all goes on, without a restart, and nothing is lost.
func TestLedgerFullDisk(t *testing.T) {
	s := newFullSidecar(t)
	s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, largeAnswer) })
	key, first := s.refund(t)
	first.wantOK(t, largeAnswer)
	s.disk.fill(t)
	answered := s.untilFull(t)
	answered[key] = first
	sent := len(s.gateway.calls())
	if sent != len(answered) {
		t.Errorf("%d calls were sent, and %d answered", sent, len(answered))
	}
	for range 3 {
		_, a := s.refund(t)
		a.wantProblem(t, http.StatusServiceUnavailable, "store_unavailable", "not_sent")
		ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantCallbackRefused(t, http.StatusServiceUnavailable, "store_unavailable")
	}
	s.app.wantNothing(t)
	wantReplayed(t, s.call(t, "/refund", refund, "Idempotency-Key", key), first)
	s.gateway.wantCalls(t, sent)
	for _, message := range []string{"a call could not be recorded, so it was not sent", "an IPN could not be kept, so it was not acknowledged"} {
		if lines := s.logLines(t, message); len(lines) == 0 || !strings.Contains(fmt.Sprint(lines[0]["error"]), "no space left on device") {
			t.Errorf("the log says %v", lines)
		}
	}

	s.disk.empty(t)
	_, a := s.refund(t)
	a.wantOK(t, largeAnswer)
	ipnJSON.send(t, s.caddyServer, signedMessage(paidMessage, s.gateway.salt)).wantIPNStatus(t, "200")
	s.app.only(t)
	for range 2 {
		for key, first := range answered {
			// What ended on the full disk without its outcome is at work until its deadline, and then unknown.
			a := s.call(t, "/refund", refund, "Idempotency-Key", key)
			if a.header.Get("Galaxypay-Replayed") == "true" {
				wantReplayed(t, a, first)
			} else {
				a.wantProblem(t, http.StatusConflict, "in_progress", "unknown")
			}
		}
		if n := len(s.gateway.calls()); n != sent+1 {
			t.Errorf("%d calls were sent, want %d", n, sent+1)
		}
	}
}

// The disk gets full while a call is at the gateway. The app gets its answer all the same, and the call is not sent again.
func TestLedgerFullDiskBeforeTheOutcome(t *testing.T) {
	s := newFullSidecar(t)
	s.gateway.replies(func(c *call) []byte {
		s.disk.fill(t)
		return s.gateway.success(c, largeAnswer)
	})
	const message = "the outcome of a call could not be recorded; the app gets its answer all the same, and a repeated call counts as of unknown outcome"
	lost := ""
	for range 1000 {
		key, a := s.refund(t)
		if a.status == http.StatusServiceUnavailable { // there was no space for the record either
			s.disk.empty(t)
			continue
		}
		a.wantOK(t, largeAnswer)
		if len(s.logLines(t, message)) > 0 {
			lost = key
			break
		}
	}
	if lost == "" {
		t.Fatal("every outcome finds space")
	}
	s.disk.empty(t)
	s.gateway.replies(func(c *call) []byte { return s.gateway.success(c, largeAnswer) })
	sent := len(s.gateway.calls())
	s.call(t, "/refund", refund, "Idempotency-Key", lost).wantProblem(t, http.StatusConflict, "in_progress", "unknown")
	_, a := s.refund(t)
	a.wantOK(t, largeAnswer)
	s.stop()

	s.caddyServer = start(t, s.config) // what was at work is unknown now, and a refund is not sent again
	again := s.call(t, "/refund", refund, "Idempotency-Key", lost)
	again.wantProblem(t, http.StatusBadGateway, "gateway_no_answer", "unknown")
	s.gateway.wantCalls(t, sent+1)
}
