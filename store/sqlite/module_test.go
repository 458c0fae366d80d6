package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func TestModule(t *testing.T) {
	const key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	t.Setenv("STORE_DIR", "/srv/store")
	t.Setenv("STORE_KEY", key)
	for _, test := range []struct{ text, path, wrong string }{
		{text: "sqlite", path: filepath.Join(caddy.AppDataDir(), "galaxypay", "store.db")},
		{text: "sqlite /var/lib/store.db", path: "/var/lib/store.db"},
		{text: "sqlite {env.STORE_DIR}/a.db", path: "/srv/store/a.db"},
		{text: "sqlite /a.db {\nencrypt k1 {env.STORE_KEY}\nencrypt k0 {env.STORE_KEY}\nrefuse_unencrypted\nkeep 500d\n}", path: "/a.db"},
		{text: "sqlite {env.STORE_UNSET}/a.db", wrong: "STORE_UNSET"},
		{text: "sqlite a b", wrong: "wrong argument count"},
		{text: `sqlite ""`, wrong: "empty"},
		{text: "sqlite a {\nfsync off\n}", wrong: "unknown option fsync"},
		{text: "sqlite a {\nkeep 1d\nkeep 2d\n}", wrong: "duplicate option keep"},
		{text: "sqlite a {\nrefuse_unencrypted\n}", wrong: "refuse_unencrypted needs"},
		{text: "sqlite a {\nencrypt k1 {env.STORE_UNSET}\n}", wrong: "STORE_UNSET"},
	} {
		t.Run(test.text, func(t *testing.T) {
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			var o Opener
			err := o.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.text))
			if err == nil {
				err = o.Provision(ctx)
			}
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Errorf("error %v, expected %s", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if o.Key() != "sqlite "+test.path || o.Name() != test.path {
				t.Errorf("key %q, name %q, expected the path %q", o.Key(), o.Name(), test.path)
			}
		})
	}
	if keep := keepOf(t, "sqlite /a.db"); keep != 400*24*time.Hour {
		t.Errorf("messages are kept for %s", keep)
	}
}

func keepOf(t *testing.T, text string) time.Duration {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	var o Opener
	if err := o.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
		t.Fatal(err)
	}
	if err := o.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return time.Duration(o.Settings().Keep)
}
