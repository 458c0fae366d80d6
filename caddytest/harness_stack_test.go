package caddytest

import (
	"bytes"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stack is a shop of examples/, made with one language and framework. All of them answer the same addresses, listen
// on 127.0.0.1:$PORT, keep their orders in $SHOP_STORE, and call the sidecar at $GALAXYPAY_URL. The commands that install
// and start a shop are those of its README.
type stack struct {
	name    string
	folder  string   // below examples/
	payment []string // its files that hold the code for payments
	needs   []need
}

// need is a command that succeeds where the machine has what a stack needs.
type need struct {
	what    string // for people
	command []string
}

// missing is what the machine lacks to run the shop, or "".
func (s stack) missing(t *testing.T) string {
	t.Helper()
	for _, n := range s.needs {
		if exec.CommandContext(t.Context(), n.command[0], n.command[1:]...).Run() != nil { //nolint:gosec // from the list of stacks
			return n.what
		}
	}
	return ""
}

// notInCI says whether the shop's README says that CI does not run it.
func (s stack) notInCI(t *testing.T) bool {
	t.Helper()
	return strings.Contains(readExampleFile(t, s.folder+"/README.md"), "<!-- not in ci: ")
}

// lines are the lines of the shop's code, without empty ones: of its payment code, and, in all of its files, those
// with cryptography for payments, of which there are none.
func (s stack) lines(t *testing.T) (payment, crypto int) {
	t.Helper()
	root := os.DirFS(filepath.Join("..", "examples", s.folder))
	for _, name := range s.payment {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		payment += countLines(text, func([]byte) bool { return true })
	}
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() == "node_modules" {
			return skipped(err, fs.SkipDir)
		}
		if entry.IsDir() || strings.HasSuffix(path, ".md") || entry.Name() == "package-lock.json" {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		crypto += countLines(text, cryptography.Match)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return payment, crypto
}

func skipped(err, skip error) error {
	if err != nil {
		return err
	}
	return skip
}

// cryptography finds hash functions, and what belongs to the gateway's signature.
var cryptography = regexp.MustCompile(`(?i)sha-?(1|2|256|512)|\bmd5|hmac|hashlib|hash_|createHash|MessageDigest|HashData|Cryptography|crypto/(aes|cipher|ecdsa|hkdf|rsa)|subtle|\bsalt|signature|api_?key|base64`)

func countLines(text []byte, counts func(line []byte) bool) (n int) {
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) > 0 && counts(line) {
			n++
		}
	}
	return n
}

// stackPassword is what the shop's staff types before a refund.
const stackPassword = "staff-of-the-test"

// runningStack is a copy of a shop that runs.
type runningStack struct {
	stack
	dir, store, sidecar, address string
	exported                     string // a file with what the commands of "install" export, as it would stay in a terminal
	process                      *exec.Cmd
	ended                        chan struct{}
	output                       lockedBuffer
}

// lockedBuffer takes what a process writes while a test reads it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newRunningStack copies a shop, installs what it needs and starts it at the address. It ends with the test.
func newRunningStack(t *testing.T, s stack, address, sidecar string) *runningStack {
	t.Helper()
	r := &runningStack{stack: s, dir: filepath.Join(t.TempDir(), "shop"), store: filepath.Join(t.TempDir(), "store"), sidecar: sidecar, address: address, exported: filepath.Join(t.TempDir(), "exported")}
	if err := os.CopyFS(r.dir, os.DirFS(filepath.Join("..", "examples", s.folder))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("the shop wrote:\n%s", r.output.String())
		}
	})
	install := aptLine.ReplaceAllString(readmeCommands(t, s.folder, "install"), "") // .ci/run has installed what it names
	if out, err := r.command(install + "export -p >'" + r.exported + "'\n").CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", install, err, out)
	}
	r.start(t)
	return r
}

// aptLine is a line that installs Debian's packages.
var aptLine = regexp.MustCompile(`(?m)^apt install .*\n`)

// command is lines of the README, in the shop's folder and environment, with the port and the password of the test.
func (r *runningStack) command(lines string) *exec.Cmd {
	_, port, _ := net.SplitHostPort(r.address)
	lines = strings.NewReplacer("8000", port, "choose-one", stackPassword).Replace(lines)
	c := exec.Command("/bin/sh", "-euc", lines) //nolint:gosec // of this repository
	c.Dir = r.dir
	c.Env = append(os.Environ(), "PORT="+port, "SHOP_STORE="+r.store, "GALAXYPAY_URL="+r.sidecar,
		"npm_config_audit=false", "npm_config_fund=false", "npm_config_prefer_offline=true",
		"PHP_CLI_SERVER_WORKERS=")
	return c
}

// start starts the shop, and returns when it answers.
func (r *runningStack) start(t *testing.T) {
	t.Helper()
	r.process = r.command(". '" + r.exported + "'\n" + readmeCommands(t, r.folder, "run"))
	r.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end its children with it
	r.process.Stdout, r.process.Stderr = &r.output, &r.output
	r.process.WaitDelay = time.Second
	if err := r.process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	r.ended = ended
	process := r.process
	go func() {
		_ = process.Wait() // the error says that it was killed
		close(ended)
	}()
	up := newFreshClient()
	eventually(t, r.name+" answers", func() bool {
		select {
		case <-ended:
			t.Fatalf("%s has ended:\n%s", r.name, r.output.String())
		default:
		}
		a, err := up.try(t.Context(), http.MethodGet, "http://"+r.address+"/", nil)
		return err == nil && a.status == http.StatusOK
	})
}

// stop kills the shop, as a crash does: it has no time to write anything.
func (r *runningStack) stop() {
	if r.process == nil {
		return
	}
	_ = syscall.Kill(-r.process.Process.Pid, syscall.SIGKILL)
	<-r.ended
	r.process = nil
}

// stackShop is a shop behind its sidecar, as examples/Caddyfile has it, and a customer's browser.
type stackShop struct {
	*caddyServer
	app     *runningStack
	socket  string // of Caddy's admin endpoint
	browser browser
}

// newStackShop runs a shop, its sidecar and the sandbox.
func newStackShop(t *testing.T, s stack, b browser) *stackShop {
	t.Helper()
	ports := []string{"9180", "9181", "9190"}
	c := startSites(t, ports...)
	k := &stackShop{caddyServer: c, socket: filepath.Join(shortTempDir(t), "admin.sock"), browser: b}
	t.Cleanup(func() {
		// caddy.Stop does not end the admin endpoint. Another configuration does.
		if err := c.load(t, "{\nadmin off\n}\n"); err != nil {
			t.Error(err)
		}
		c.stop()
	})
	app := freeAddress(t)
	text, err := os.ReadFile("../examples/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	changes := []string{
		exampleSocket, "unix/" + k.socket,
		"environment sandbox\n", "environment sandbox\nbase_url " + c.url("9190") + "\nreconcile 1s 2s 3s 5s 8s 12s 20s\n",
		"store sqlite\n", "store sqlite " + filepath.Join(t.TempDir(), "store.db") + "\n",
		"inbox {\n", "inbox {\nretry 200ms" + strings.Repeat(" 500ms", 60) + "\n",
		"localhost:8000", app,
	}
	changes = append(changes, "localhost:9181", c.ports["9181"])
	config := string(text)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(config, changes[i]) {
			t.Fatalf("examples/Caddyfile has no %q", changes[i])
		}
		config = strings.ReplaceAll(config, changes[i], changes[i+1])
	}
	c.mustLoad(t, config)
	k.app = newRunningStack(t, s, app, c.url("9180"))
	return k
}

// in is the shop in a subtest.
func (k stackShop) in(t *testing.T) *stackShop {
	t.Helper()
	k.browser = k.browser.of(t)
	return &k
}

// buy orders a coffee in the browser, which then shows the payment page, and returns the order's id.
func (k *stackShop) buy(t *testing.T) (order string) {
	t.Helper()
	k.press(t, "#buy")
	k.browser.see("#sandbox")
	return k.payments(t, "")[0].OrderID
}

// press opens the shop and presses one of its buttons.
func (k *stackShop) press(t *testing.T, button string) {
	t.Helper()
	b := k.browser
	if button == "#buy" {
		b.visit(k.url("9181") + "/")
	}
	b.click(cssOf(button))
}

// ends ends the payment whose page the browser shows: success, failure, cancel ...
func (k *stackShop) ends(outcome string) {
	k.browser.Helper()
	k.browser.click(cssOf("#sandbox button[value=" + outcome + "]"))
}

// sandboxPayment is what the sandbox says of a payment.
type sandboxPayment struct {
	ID, RequestID, OrderID, Outcome, Refunded string
	IPN                                       struct{ State, Answer string }
}

// payments are those of an order, or all; the newest first.
func (k *stackShop) payments(t *testing.T, order string) []sandboxPayment {
	t.Helper()
	var list struct{ Transactions []sandboxPayment }
	address := k.url("9190") + "/sandbox/transactions"
	if order != "" {
		address += "?orderID=" + order
	}
	k.get(t, address).decode(t, &list)
	if len(list.Transactions) == 0 {
		t.Fatalf("the sandbox has no payment of order %q", order)
	}
	return list.Transactions
}

// payment is the only one of an order.
func (k *stackShop) payment(t *testing.T, order string) sandboxPayment {
	t.Helper()
	list := k.payments(t, order)
	if len(list) != 1 {
		t.Fatalf("%d payments of order %s, want 1", len(list), order)
	}
	return list[0]
}

// stackOrder is an order, as the shop's page shows it.
type stackOrder struct{ status, handedOut string }

var (
	orderOpen     = stackOrder{"open", "0"}
	orderPaid     = stackOrder{"paid", "1"}
	orderFailed   = stackOrder{"failed", "0"}
	orderRefunded = stackOrder{"refunded", "1"}
	orderReview   = stackOrder{"review", "0"}
)

var shownStatus, shownHandedOut = regexp.MustCompile(`id="status">([a-z]+)<`), regexp.MustCompile(`id="handed-out">([0-9]+)<`)

func (k *stackShop) order(t *testing.T, order string) stackOrder {
	t.Helper()
	page := k.get(t, k.url("9181")+"/orders/"+order)
	status, handedOut := shownStatus.FindStringSubmatch(page.body), shownHandedOut.FindStringSubmatch(page.body)
	if page.status != http.StatusOK || status == nil || handedOut == nil {
		t.Fatalf("order %s: HTTP %d: %s", order, page.status, page.body)
	}
	return stackOrder{status[1], handedOut[1]}
}

// becomes waits until the order is so.
func (k *stackShop) becomes(t *testing.T, order string, want stackOrder) {
	t.Helper()
	var got stackOrder
	if !poll(func() bool { got = k.order(t, order); return got == want }) {
		t.Fatalf("the order is %+v, want %+v", got, want)
	}
}

// stays checks the order now.
func (k *stackShop) stays(t *testing.T, order string, want stackOrder) {
	t.Helper()
	if got := k.order(t, order); got != want {
		t.Errorf("the order is %+v, want %+v", got, want)
	}
}

// deliver posts a message about an order to the shop itself, as its sidecar does, and returns the ipnStatus that the
// shop answers.
func (k *stackShop) deliver(t *testing.T, order, status, transaction, fields string) string {
	t.Helper()
	a, err := k.tryDeliver(t, order, status, transaction, fields)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ IPNStatus string }
	a.decode(t, &answer)
	return answer.IPNStatus
}

func (k *stackShop) tryDeliver(t *testing.T, order, status, transaction, fields string) (httpAnswer, error) {
	t.Helper()
	body := `{"requestID":"` + order + `-pay-1","responseCode":"200","responseData":{"transactionID":"` + transaction + `","orderID":"` + order + `"` + fields + `}}`
	return newFreshClient().tryPost(t.Context(), "http://"+k.app.address+"/galaxypay/ipn", body,
		"Galaxypay-Callback", "ipn", "Galaxypay-Merchant", "default", "Galaxypay-Payment-Status", status,
		"Galaxypay-Order-Id", order, "Galaxypay-Transaction-Id", transaction)
}
