package caddytest

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// screenshots makes the browser tests write the pictures of docs/.
var screenshots = flag.Bool("screenshots", false, "write the pictures in docs/")

// viewport is the window of a browser.
type viewport struct {
	name          string
	width, height int64
	mobile        bool
}

var (
	desktop = viewport{"desktop", 1280, 900, false}
	phone   = viewport{"phone", 390, 844, true}
)

// browser is a tab of a real browser.
type browser struct {
	*testing.T
	ctx   context.Context
	frame chromedp.CSS // where to look; empty: the page itself
}

// openBrowser starts a headless Chromium in this language. It ends with the test.
func openBrowser(t *testing.T, language string) browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(requireProgram(t, "chromium")),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // its own sandbox does not work as root, and it opens our pages only
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// Without these, a frame of another origin is a process of its own, which a test cannot reach.
		chromedp.Flag("disable-site-isolation-trials", true),
		chromedp.Flag("disable-features", "Translate,IsolateOrigins,site-per-process,OriginKeyedProcessesByDefault"),
		chromedp.Flag("lang", language),
		chromedp.Flag("accept-lang", language),
	)
	// The test's own context ends before its cleanups run, and would kill Chromium. It must end in order,
	// so that it does not write into its folder while the folder is removed.
	ctx, kill := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("closing the browser: %v", err)
		}
		closeTab()
		kill()
	})
	if err := chromedp.Do(ctx); err != nil { // starts Chromium; a step's own context would end it again
		t.Fatal(err)
	}
	b := browser{T: t, ctx: ctx}
	b.resize(desktop)
	return b
}

func (b browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatalf("%v; the browser shows %s", err, b.shown())
	}
}

// shown is what the browser shows, for messages of failed tests.
func (b browser) shown() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

func (b browser) resize(v viewport) {
	b.Helper()
	options := []chromedp.EmulateViewportOption{}
	if v.mobile {
		options = append(options, chromedp.EmulateMobile)
	}
	b.do(chromedp.EmulateViewport(v.width, v.height, options...))
}

func (b browser) visit(address string) {
	b.Helper()
	b.do(chromedp.Navigate(address))
}

// options make a query wait until the element is visible, in the chosen frame.
func (b browser) options() []chromedp.QueryOption {
	options := []chromedp.QueryOption{chromedp.NodeVisible}
	if b.frame != "" {
		options = append(options, chromedp.FromNode(b.frameNode()))
	}
	return options
}

func (b browser) click(selector chromedp.CSS) {
	b.Helper()
	b.at(selector, func(options []chromedp.QueryOption) []chromedp.Action[chromedp.Void] {
		return []chromedp.Action[chromedp.Void]{chromedp.Click(selector, options...)}
	})
}

func (b browser) fill(selector chromedp.CSS, text string) {
	b.Helper()
	b.at(selector, func(options []chromedp.QueryOption) []chromedp.Action[chromedp.Void] {
		return []chromedp.Action[chromedp.Void]{chromedp.Clear(selector, options...), chromedp.SendKeys(selector, text, options...)}
	})
}

// at does these steps to the element at the selector. Pages that follow their orders redraw themselves,
// and a frame may get another page. If the element is gone before the steps are done, at looks for it
// again; it does not wait in a frame that is gone.
func (b browser) at(selector chromedp.CSS, steps func([]chromedp.QueryOption) []chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	for {
		b.see(selector)
		try, end := context.WithTimeout(ctx, patience/6)
		err := chromedp.Do(try, steps(b.options())...)
		waited := try.Err() != nil
		end()
		if err == nil {
			return
		}
		if ctx.Err() != nil || !waited && !strings.Contains(err.Error(), "node") {
			b.Fatalf("%s: %v; the browser shows %s", selector, err, b.shown())
		}
	}
}

// see waits until the element exists and its text contains all of these texts.
func (b browser) see(selector chromedp.CSS, texts ...string) {
	b.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	for {
		_, err := chromedp.Run(ctx, b.said(selector, texts))
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			b.Fatalf("%s does not say %q: %v; the browser shows %s", selector, texts, err, b.shown())
		}
		// Otherwise the page was replaced during the look, or the frame got another page.
	}
}

func (b browser) said(selector chromedp.CSS, texts []string) chromedp.Action[bool] {
	b.Helper()
	options := []chromedp.PollOption{chromedp.WithPollingArgs(string(selector), texts), chromedp.WithPollingTimeout(time.Second)}
	if b.frame != "" {
		options = append(options, chromedp.WithPollingInFrame(b.frameNode()))
	}
	return chromedp.PollFunction[bool](
		`(selector, texts) => { // no texts arrive as null
			const element = document.querySelector(selector);
			return element !== null && (texts ?? []).every(text => element.innerText.includes(text));
		}`, options...)
}

// inside is the same tab, looking into a frame of the page.
func (b browser) inside(frame chromedp.CSS) browser {
	b.frame = frame
	return b
}

// frameNode finds the frame each time it is used, because each page in it is another node.
func (b browser) frameNode() *chromedp.Node {
	b.Helper()
	frames, err := chromedp.Run(b.ctx, chromedp.Nodes(b.frame, chromedp.NodeVisible))
	if err != nil {
		b.Fatal(err)
	}
	return frames[0]
}

// gone waits until the element does not exist any more.
func (b browser) gone(selector chromedp.CSS) {
	b.Helper()
	b.do(chromedp.WaitNotPresent(selector))
}

// of is the same tab in a subtest.
func (b browser) of(t *testing.T) browser {
	t.Helper()
	b.T = t
	return b
}

// picture writes a picture of the page to docs/images, at both widths. Without -screenshots, or in a
// frame, it does nothing.
func (b browser) picture(name string) {
	b.Helper()
	if !*screenshots || b.frame != "" {
		return
	}
	for _, v := range []viewport{desktop, phone} {
		b.resize(v)
		// The page may be scrolled down to what was clicked last.
		if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`(scrollTo(0, 0), true)`)); err != nil {
			b.Fatal(err)
		}
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			b.Fatal(err)
		}
		path := filepath.Join("..", "docs", "images", name+"-"+v.name+".png")
		if err := os.WriteFile(path, png, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	b.resize(desktop)
}
