package sandbox

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

const addresses = `,"successURL":"http://shop.example/success","failureURL":"http://shop.example/failure","cancelURL":"http://shop.example/cancel"`

func TestExpiry(t *testing.T) {
	for name, test := range map[string]struct {
		expiry time.Duration
		wait   time.Duration
		over   bool
	}{
		"by default":            {0, 15 * time.Minute, true},
		"just before":           {0, 15*time.Minute - 1, false},
		"shorter":               {time.Minute, time.Minute, true},
		"longer":                {time.Hour, 59 * time.Minute, false},
		"long ago":              {time.Minute, 48 * time.Hour, true},
		"at once, still opened": {time.Minute, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &Handler{Expiry: caddy.Duration(test.expiry)}, func(g gateway) {
				id, _ := g.pay("")
				time.Sleep(test.wait)
				if test.over {
					g.wantStanding(id, "FAILURE", "408", "Transaction expired")
				} else {
					g.wantStanding(id, "INIT", "", "Transaction is not completed.")
				}
			})
		})
	}
}

// However the end of a payment is noticed, the app gets one IPN, and the payment cannot be paid.
func TestExpiryIsNoticed(t *testing.T) {
	const text = "The payment has expired"
	for name, notice := range map[string]func(g gateway, id, page string){
		"by a query": func(g gateway, id, _ string) { g.query(id) },
		"by a visit": func(g gateway, _, page string) {
			if shown, _ := g.open(page, nil); !strings.Contains(shown, text) || strings.Contains(shown, "<form") {
				g.Errorf("page %s", shown)
			}
		},
		"by paying": func(g gateway, _, page string) {
			response := g.press(page, "success")
			shown := read(g.T, response)
			if response.StatusCode != http.StatusOK || !strings.Contains(shown, text) || !strings.Contains(shown, "http://shop.example/failure?data=") {
				g.Errorf("HTTP %d: %s", response.StatusCode, shown)
			}
		},
		"by cancelling": func(g gateway, _, page string) { g.press(page, "cancel") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, new(Handler), func(g gateway) {
				t := g.T
				ipnURL, ipns := g.app(http.StatusOK, "{}")
				id, page := g.pay(addresses + `,"apiVersion":2,"ipnURL":"` + ipnURL + `"`)
				g.open(page, nil)
				time.Sleep(15 * time.Minute)
				if len(ipns) != 0 {
					t.Fatal("an IPN came before the end was noticed")
				}
				notice(g, id, page)
				ipn := next(t, ipns)
				if ipn.ResponseCode != "408" || ipn.ResponseMessage == "" || ipn.ResponseData["transactionStatus"] != "408" || ipn.ResponseData["transactionID"] != id {
					t.Errorf("IPN %+v", ipn)
				}
				g.press(page, "success")
				g.wantStanding(id, "FAILURE", "408", "Transaction expired")
				g.walk(id, []step{{"capture", "", "", "400", notHeld}, {"refund", "", back("1", "VND"), "400", notPaid}})
				if len(ipns) != 0 {
					t.Error("the app got a second IPN")
				}
			})
		})
	}
}

func TestExpiryNoticedAtOnceSendsOneIPN(t *testing.T) {
	inBubble(t, new(Handler), func(g gateway) {
		t := g.T
		ipnURL, ipns := g.app(http.StatusOK, "{}")
		_, page := g.pay(`,"ipnURL":"` + ipnURL + `"`)
		time.Sleep(time.Hour)
		var presses sync.WaitGroup
		for range 8 {
			presses.Go(func() {
				response, err := g.try(t.Context(), http.MethodPost, page, "outcome=success", form)
				if err != nil {
					t.Error(err)
					return
				}
				response.Body.Close()
			})
		}
		presses.Wait()
		if ipn := one(t, ipns); ipn.ResponseCode != "408" {
			t.Errorf("IPN %+v", ipn)
		}
	})
}

func TestPaidPaymentDoesNotExpire(t *testing.T) {
	for name, more := range map[string]string{"captured": "", "authorised": `,"isAutoCapture":false`} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, new(Handler), func(g gateway) {
				t := g.T
				id, page := g.pay(more)
				time.Sleep(14 * time.Minute)
				g.press(page, "success")
				time.Sleep(time.Hour)
				if stage := g.query(id).ResponseData["transactionStage"]; stage != "SUCCESSFUL" {
					t.Errorf("stage %s", stage)
				}
			})
		})
	}
}

func TestListShowsExpiryWithoutIPN(t *testing.T) {
	inBubble(t, new(Handler), func(g gateway) {
		t := g.T
		ipnURL, ipns := g.app(http.StatusOK, "{}")
		id, _ := g.pay(`,"ipnURL":"` + ipnURL + `"`)
		time.Sleep(time.Hour)
		if text, _ := g.open("/", nil); !strings.Contains(text, "<td>FAILURE</td>") || len(ipns) != 0 {
			t.Errorf("%d IPNs, list %s", len(ipns), text)
		}
		g.query(id)
		next(t, ipns)
	})
}

func TestPaymentLinkLife(t *testing.T) {
	for name, test := range map[string]struct {
		more string
		life time.Duration
	}{
		"days by default": {"", 72 * time.Hour},
		"days":            {`,"expiryUnit":"DAY"`, 72 * time.Hour},
		"hours":           {`,"expiryUnit":"HOUR"`, 3 * time.Hour},
		"minutes":         {`,"expiryUnit":"MINUTE","expiryDuration":"45"`, 45 * time.Minute},
		"paymentDays":     {`,"expiryDuration":null,"paymentDays":2`, 48 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, new(Handler), func(g gateway) {
				t := g.T
				ipnURL, ipns := g.app(http.StatusOK, "{}")
				orderNo := g.ask(createLink, envelope("link-1", linkTo(test.more+`,"ipnURL":"`+ipnURL+`"`))).ResponseData["orderNo"]
				time.Sleep(test.life - 1)
				if stage := g.query(orderNo).ResponseData["transactionStage"]; stage != "INIT" {
					t.Errorf("stage %s before the end", stage)
				}
				time.Sleep(time.Nanosecond)
				if status := g.query(orderNo).ResponseData["transactionStatus"]; status != "408" {
					t.Errorf("status %s at the end", status)
				}
				if ipn := next(t, ipns); ipn.ResponseCode != "408" || ipn.ResponseData["orderNo"] != orderNo {
					t.Errorf("IPN %+v", ipn)
				}
			})
		})
	}
}
