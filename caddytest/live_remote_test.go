//go:build unix

package caddytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clientCertificate is a laptop's, in two files.
type clientCertificate struct {
	certFile, keyFile string
	der               []byte
}

func newClientCertificate(t *testing.T) clientCertificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "laptop"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := clientCertificate{filepath.Join(dir, "laptop.crt"), filepath.Join(dir, "laptop.key"), der}
	for file, block := range map[string]*pem.Block{c.certFile: {Type: "CERTIFICATE", Bytes: der}, c.keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// remoteSidecar is a sidecar with an inbox in a process of its own, whose remote administration lets one certificate do one thing.
type remoteSidecar struct {
	ipn    client
	from   string // of its remote administration
	ca     string
	laptop clientCertificate
}

func newRemoteSidecar(t *testing.T, app string) *remoteSidecar {
	t.Helper()
	dir := shortTempDir(t)
	admin, ipn := filepath.Join(dir, "admin.sock"), filepath.Join(dir, "ipn.sock")
	_, port, _ := net.SplitHostPort(freeAddress(t))
	r := &remoteSidecar{
		ipn: newFreshClient().throughSocket(ipn), from: "https://localhost:" + port, laptop: newClientCertificate(t),
		ca: filepath.Join(dir, "caddy", "pki", "authorities", "local", "root.crt"),
	}
	child := newChildCaddy(t, dir, fmt.Sprintf(`
		{
			admin unix/%s
			skip_install_trust
			galaxypay {
				environment sandbox
				store sqlite %s
			}
		}
		http:// {
			bind unix/%s
			galaxypay_ipn {
				inbox {
					deliver_to http://%s/payments/ipn
				}
			}
		}`, admin, filepath.Join(dir, "store.db"), ipn, app))
	child.start(t)
	t.Cleanup(func() { _ = child.process.Wait() }) // the end of the test has killed it
	if !poll(func() bool { _, err := os.Stat(ipn); return err == nil }) {
		t.Fatal("Caddy does not start")
	}
	var config map[string]any
	if err := json.Unmarshal([]byte(sendToAdmin(t, admin, http.MethodGet, "/config/", "").body), &config); err != nil {
		t.Fatal(err)
	}
	section := fmt.Sprintf(`{"listen": "unix/%s", "identity": {"identifiers": ["localhost"], "issuers": [{"module": "internal"}]}, "remote": {
		"listen": "127.0.0.1:%s",
		"access_control": [{"public_keys": [%q], "permissions": [{"methods": ["GET"], "paths": ["/galaxypay/events/wait"]}]}]}}`,
		admin, port, base64.StdEncoding.EncodeToString(r.laptop.der))
	config["admin"] = json.RawMessage(section)
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if a := sendToAdmin(t, admin, http.MethodPost, "/load", string(text), "Content-Type", "application/json"); a.status != http.StatusOK {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	return r
}

// listen has the flags of a laptop that may look.
func (r *remoteSidecar) listen(more ...string) []string {
	return append([]string{"listen", "--from", r.from, "--client-cert", r.laptop.certFile, "--client-key", r.laptop.keyFile, "--ca", r.ca}, more...)
}

// A laptop with the right certificate gets what the inbox gets, and may do nothing else.
func TestListenFromRemoteAdministration(t *testing.T) {
	laptop := newApp(t)
	r := newRemoteSidecar(t, newApp(t).address)
	l := startGalaxypay(t, nil, r.listen("--after", "0", "--forward-to", "http://"+laptop.address+"/ipn", "--pause", "10ms", "--tries", "1000", "--json")...)
	l.says(t, "ready: ")
	for _, order := range []string{"FIRST", "SECOND"} {
		r.ipn.post(t, "http://sidecar/ipn", signedMessage(orderMessage(order), sandboxSalt).json()).wantIPNStatus(t, "200")
		if e := l.followed(t); e.OrderID != order || e.Answer == nil || e.Answer.IPNStatus != "200" {
			t.Errorf("printed %+v, want %s", e, order)
		}
		if got := laptop.only(t); got.body != orderMessage(order) {
			t.Errorf("the laptop got %+v", got)
		}
	}
	if code := l.interrupt(t); code != 130 {
		t.Errorf("code %d, want 130", code)
	}

	// What no time heals is told at once.
	stranger, other := newClientCertificate(t), newClientCertificate(t)
	runGalaxypay(t, "", r.listen("--ca", other.certFile)...).wantError(t, 1, "--ca: the certificate of the sidecar is not proven by it")
	run := runGalaxypay(t, "", r.listen("--client-cert", stranger.certFile, "--client-key", stranger.keyFile, "--tries", "1")...)
	run.wantError(t, 3, "gave up after 1 tries: ")
}

// The flags are checked before anything is sent.
func TestListenFromRemoteFlags(t *testing.T) {
	laptop, other := newClientCertificate(t), newClientCertificate(t)
	both := []string{"--client-cert", laptop.certFile, "--client-key", laptop.keyFile}
	for name, test := range map[string]struct {
		from string
		args []string
		want string
	}{
		"no certificate":           {"https://localhost:1", nil, "give --client-cert and --client-key"},
		"no key":                   {"https://localhost:1", both[:2], "give --client-cert and --client-key"},
		"the key of another":       {"https://localhost:1", []string{"--client-cert", laptop.certFile, "--client-key", other.keyFile}, "--client-cert, --client-key: "},
		"no such file":             {"https://localhost:1", []string{"--client-cert", "none.crt", "--client-key", laptop.keyFile}, "none.crt"},
		"no certificates in --ca":  {"https://localhost:1", append([]string{"--ca", laptop.keyFile}, both...), "expected PEM certificates"},
		"a path":                   {"https://localhost:1/galaxypay", both, "--from: expected the address of an admin endpoint"},
		"a user":                   {"https://user@localhost:1", both, "--from: expected the address of an admin endpoint"},
		"no host":                  {"https://", both, "--from: expected the address of an admin endpoint"},
		"a local endpoint":         {"localhost:2019", both, "--client-cert: goes with --from https:// only"},
		"--ca of a local endpoint": {"localhost:2019", []string{"--ca", laptop.certFile}, "--ca: goes with --from https:// only"},
	} {
		t.Run(name, func(t *testing.T) {
			run := runGalaxypay(t, "", append([]string{"listen", "--from", test.from}, test.args...)...)
			run.wantError(t, 2, test.want)
			if strings.Contains(run.stderr, "PRIVATE KEY-") {
				t.Errorf("standard error holds the key: %s", run.stderr)
			}
		})
	}
	runGalaxypay(t, "", append([]string{"listen", "--forward-to", "http://127.0.0.1:1/"}, both...)...).wantError(t, 2, "--client-cert: goes with --from only")
}
