package caddytest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeFolder holds package.json and the lock file, which name one version of axe-core. The program
// itself is not part of this repository.
const axeFolder = "testdata/axe"

// requireAxe returns the source of axe-core. Where it is absent the test is skipped, or fails if
// REQUIRE_ALL=1 is set.
func requireAxe(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(axeFolder, "node_modules", "axe-core", "axe.min.js"))
	if err == nil {
		return string(source)
	}
	const advice = "axe-core is not installed: npm --prefix caddytest/" + axeFolder + " ci"
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatal(advice)
	}
	t.Skip(advice)
	return ""
}

// runAxe lists what axe-core finds on the page, whatever its impact: one line for each element.
const runAxe = `axe.run(document, {resultTypes: ["violations"], iframes: false}).then(found => found.violations.flatMap(v =>
	v.nodes.map(n => [v.impact, v.id, n.target.join(" "), n.failureSummary.replaceAll("\n", " ")].join(" | "))).join("\n"))`

// wantAccessible checks the page with axe-core, at both widths, light and dark.
func (b browser) wantAccessible(axe string) {
	b.Helper()
	for _, v := range []viewport{desktop, phone} {
		b.resize(v)
		for _, scheme := range []string{"light", "dark"} {
			b.prefer(scheme)
			if found := b.axe(axe); found != "" {
				b.Errorf("%s, %s:\n%s", v.name, scheme, found)
			}
		}
	}
	b.prefer("light")
	b.resize(desktop)
}

// axe runs axe-core on the page. A page that loads itself again takes axe-core with it.
func (b browser) axe(source string) string {
	b.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	for {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("if (!globalThis.axe) {"+source+"}; true"))
		if err == nil {
			var found string
			found, err = chromedp.Run(ctx, chromedp.Evaluate[string](runAxe, chromedp.EvalAwaitPromise))
			if err == nil {
				return found
			}
		}
		if ctx.Err() != nil || !strings.Contains(err.Error(), "context") && !strings.Contains(err.Error(), "navigated") {
			b.Fatalf("axe-core: %v; the browser shows %s", err, b.shown())
		}
	}
}

// prefer makes the browser prefer this color scheme: light or dark.
func (b browser) prefer(scheme string) {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// runScripts turns the scripts of pages on or off. It holds for pages that are loaded afterwards.
func (b browser) runScripts(on bool) {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}))
}
