package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox"
)

const (
	volume   = 10_000
	fullFrom = 5_000 // by then the sandbox has long forgotten its first payments
	growth   = 1.2   // of the live heap from there to the end: request ids are still coming in
	tills    = 8
)

// Ten thousand payments, each from the merchant's request over the customer's press to the
// IPN: every order's IPN comes once, the sandbox needs no more memory for many payments
// than for as many as it keeps, and nothing goes on running behind them.
func TestVolume(t *testing.T) {
	others := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, others) }) // after everything else has been closed
	var told tally
	app := listen(t, told.takeIPN)
	gateway := new(sandbox.Handler)
	s := openShop(t, gateway)
	gateway.Silence()

	s.payMany(0, fullFrom, app)
	full := liveHeap()
	s.payMany(fullFrom, volume, app)
	if end := liveHeap(); float64(end) > growth*float64(full) {
		t.Errorf("%d bytes live after %d payments, %d after %d", end, volume, full, fullFrom)
	}
	for i := range told {
		if n := told[i].Load(); n != 1 {
			t.Errorf("order %d has %d IPNs", i, n)
		}
	}
}

// payMany has each of the tills take its share of the payments.
func (s *shop) payMany(from, to int, app string) {
	s.Helper()
	var open sync.WaitGroup
	for till := range tills {
		open.Go(func() {
			for i := from + till; i < to; i += tills {
				if err := s.payOne(strconv.Itoa(i), app); err != nil {
					s.Error(err)
					return
				}
			}
		})
	}
	open.Wait()
}

func (s *shop) payOne(orderID, app string) error {
	opened, err := s.send(pay, orderID, cardPayment.with(object{"orderID": orderID, "ipnURL": app, "successURL": "https://shop.example"}))
	if err != nil {
		return err
	}
	text, response, err := s.post(opened.text("endpoint"), "outcome=success", map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
	if err == nil && response.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("order %s: pressed, HTTP %d: %s", orderID, response.StatusCode, text)
	}
	return err
}

// tally counts the proven IPNs of each order.
type tally [volume]atomic.Int32

func (c *tally) takeIPN(w http.ResponseWriter, r *http.Request) {
	var sealed struct{ Data, Signature string }
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &sealed)
	m, err := unseal(sealed.Data, sealed.Signature)
	i, wrong := strconv.Atoi(m.text("orderID"))
	if err != nil || wrong != nil || i >= volume || m.ResponseCode != "200" {
		w.WriteHeader(http.StatusForbidden) // and is missed in the end
		return
	}
	c[i].Add(1)
}

// liveHeap is what is in use after a collection. The second one takes what the first has
// only made ready, such as the contents of pools.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
