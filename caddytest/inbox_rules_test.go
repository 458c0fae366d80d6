package caddytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// news is a message about the transaction of paidMessage, with texts of it replaced.
func news(replace ...string) string {
	text := strings.NewReplacer(replace...).Replace(paidMessage)
	if len(replace) > 0 && text == paidMessage {
		panic("nothing was replaced")
	}
	return text
}

var (
	newStamp       = []string{`"responseDateTime":"20260102030405"`, `"responseDateTime":"20260102030406"`}
	expiredMessage = news(`"responseCode":"200"`, `"responseCode":"408"`)
)

func idOf(message string) string { return signedMessage(message, sandboxSalt).deliveryID() }

var (
	isDown       = answering(http.StatusInternalServerError, "")
	takesIt      = answering(http.StatusOK, `{"ipnStatus":"200"}`)
	doesNotKnow  = answering(http.StatusOK, `{"ipnStatus":"404"}`)
	finishedThat = answering(http.StatusOK, `{"ipnStatus":"409"}`)
)

// An IPN can be faster than the app, which has not written the order yet. The gateway is told
// so, and when it sends the IPN again, the app is asked again.
func TestInboxOrderIsWrittenLater(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarThat(t, "retry 1h", store(t), "")
			k.app.answers(doesNotKnow)
			if got := k.send(t, paidMessage); got != "404" {
				t.Errorf("the gateway is told %s", got)
			}
			if e := k.awaitState(t, idOf(paidMessage), "pending"); e.Answer.Status != "404" || e.Attempts != 1 {
				t.Errorf("%+v", e)
			}
			k.app.answers(takesIt)
			if got := k.send(t, paidMessage); got != "200" {
				t.Errorf("at the repetition the gateway is told %s", got)
			}
			k.awaitState(t, idOf(paidMessage), "delivered")
			k.app.wasTold(t, "paid", "paid")
			if got := k.send(t, paidMessage); got != "200" {
				t.Errorf("at last the gateway is told %s", got)
			}
			k.app.wasTold(t)
		})
	}
}

// Where the gateway does not send it again, the schedule does.
func TestInboxOrderIsWrittenLaterAndNotSentAgain(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarThat(t, "retry"+strings.Repeat(" 20ms", 60), store(t), "")
			asked := k.app.answersWithSignal(doesNotKnow)
			k.send(t, paidMessage)
			await(t, asked, "the first attempt")
			await(t, asked, "the second attempt")
			k.app.answers(takesIt)
			if e := k.awaitState(t, idOf(paidMessage), "delivered"); e.Answer.Status != "200" {
				t.Errorf("%+v", e)
			}
		})
	}
}

// A paid event that the app never knew must not look like one that was delivered.
func TestInboxOrderIsNeverWritten(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarIn(t, store(t), "")
			k.app.answers(doesNotKnow)
			k.send(t, paidMessage)
			if e := k.awaitState(t, idOf(paidMessage), "dead"); e.Answer.Status != "404" || !strings.Contains(e.LastError, "does not know the order") {
				t.Errorf("%+v", e)
			}
			if stats := k.mustOperate(t, "stats"); !strings.Contains(strings.Join(strings.Fields(stats), " "), "not_found 1") {
				t.Errorf("stats:\n%s", stats)
			}
			listed := k.mustOperate(t, "list", "--order", "A-1", "--request", "0f8c2b6e4d1a4c7f9b3e5a7d9c1e3f5b")
			lines := strings.Split(listed, "\n")
			if said := strings.Index(lines[0], "SAID"); said < 0 || len(lines) != 3 || lines[1][said:said+4] != "404 " || !strings.Contains(lines[1], " A-1 ") {
				t.Errorf("listed:\n%s", listed)
			}
			if listed := k.mustOperate(t, "list", "--order", "A-2"); strings.Count(listed, "\n") != 1 {
				t.Errorf("of another order:\n%s", listed)
			}
			if listed := k.mustOperate(t, "list", "--state", "delivered"); strings.Count(listed, "\n") != 1 {
				t.Errorf("as delivered:\n%s", listed)
			}
			warned := k.logLines(t, "not delivered; another attempt follows")
			if len(warned) != 1 || warned[0]["level"] != "warn" || warned[0]["reason"] != "the app does not know the order" || warned[0]["payment_status"] != "paid" {
				t.Errorf("logged %v", warned)
			}
		})
	}
}

// The same without an inbox: the sidecar keeps nothing, and the app is asked each time.
func TestCallbackOrderIsWrittenLater(t *testing.T) {
	app := newApp(t)
	c := start(t, callbackSite(app, ""))
	m := signedMessage(paidMessage, sandboxSalt)
	app.answers(doesNotKnow)
	ipnJSON.send(t, c, m).wantIPNStatus(t, "404")
	app.answers(takesIt)
	ipnJSON.send(t, c, m).wantIPNStatus(t, "200")
	app.wasTold(t, "paid", "paid")
}

// When the gateway repeats what was given up, the app gets another chance, with the whole
// schedule, and the gateway the app's own word.
func TestInboxRepetitionOfADeadLetter(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarIn(t, store(t), "")
			k.app.answers(isDown)
			k.arrive(t, paidMessage)
			k.awaitState(t, idOf(paidMessage), "dead")
			k.app.wasTold(t, "paid", "paid")

			k.arrive(t, paidMessage)
			eventually(t, "it is given up again", func() bool {
				e := k.show(t, idOf(paidMessage))
				return e.State == "dead" && e.Attempts == 2
			})
			k.app.wasTold(t, "paid", "paid")

			k.app.answers(finishedThat)
			if got := k.send(t, paidMessage); got != "409" {
				t.Errorf("the gateway is told %s", got)
			}
			k.awaitState(t, idOf(paidMessage), "delivered")
			k.app.wasTold(t, "paid")
		})
	}
}

// The last word on a paid transaction is that it is paid: a dead letter that says something else
// is not delivered when it arrives again, nor by any replay that does not name it.
func TestInboxDeadLetterOfAPaidTransaction(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarIn(t, store(t), "")
			k.app.answers(isDown)
			k.arrive(t, cancelledMessage)
			k.awaitState(t, idOf(cancelledMessage), "dead")
			k.app.answers(takesIt)
			k.app.received()
			k.arrive(t, paidMessage)
			k.awaitState(t, idOf(paidMessage), "delivered")
			k.app.wasTold(t, "paid")

			k.arrive(t, cancelledMessage)
			for _, filter := range [][]string{
				{"--state", "dead"}, {"--state", "overtaken"}, {"--payment-status", "cancelled"}, {"--since", "2020-01-01T00:00:00Z", "--payment-status", "cancelled"},
			} {
				if printed := k.mustOperate(t, append([]string{"replay"}, filter...)...); !strings.HasSuffix(printed, ": 0\n") {
					t.Errorf("replay %q: %s", filter, printed)
				}
			}
			for _, filter := range [][]string{{"--all"}, {"--order", "A-1"}, {"--transaction", "2601021234567890123456789"}, {"--request", "0f8c2b6e4d1a4c7f9b3e5a7d9c1e3f5b"}, {"--queue", "default"}} {
				asked := k.app.answersWithSignal(takesIt)
				if printed := k.mustOperate(t, append([]string{"replay"}, filter...)...); !strings.HasSuffix(printed, ": 1\n") {
					t.Errorf("replay %q: %s", filter, printed)
				}
				await(t, asked, "the replay")
				k.awaitState(t, idOf(paidMessage), "delivered")
				k.app.wasTold(t, "paid")
			}

			k.mustOperate(t, "replay", idOf(cancelledMessage)) // a person says so
			k.awaitState(t, idOf(cancelledMessage), "delivered")
			k.app.wasTold(t, "cancelled")
		})
	}
}

// A paid event does not wait behind one of its request that the app refuses, or that came while
// the app was down: that one does not matter any more.
func TestInboxPaidOvertakesWhatWaits(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarThat(t, "retry 1h", store(t), "")
			k.app.answers(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Galaxypay-Payment-Status") == "paid" {
					takesIt(w, r)
				} else {
					isDown(w, r)
				}
			})
			for _, waiting := range []string{expiredMessage, cancelledMessage} { // the second waits for the first
				k.arrive(t, waiting)
				k.awaitState(t, idOf(waiting), "pending")
			}
			k.arrive(t, paidMessage)
			k.awaitState(t, idOf(paidMessage), "delivered")
			k.app.wasTold(t, "expired", "paid")
			for _, overtaken := range []string{expiredMessage, cancelledMessage} {
				k.awaitState(t, idOf(overtaken), "overtaken")
			}
			k.arrive(t, failedMessage) // and what comes later
			k.awaitState(t, idOf(failedMessage), "overtaken")
			k.app.wasTold(t)
		})
	}
}

// Paid wins among the messages about one request: that a refund of the transaction has failed is
// other news.
func TestInboxNewsOfAnotherRequest(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarIn(t, store(t), "")
			refund := news(`"requestID":"0f8c2b6e4d1a4c7f9b3e5a7d9c1e3f5b"`, `"requestID":"refund-1"`, `"responseCode":"200"`, `"responseCode":"505"`)
			k.arrive(t, paidMessage)
			k.awaitState(t, idOf(paidMessage), "delivered")
			k.arrive(t, refund)
			k.awaitState(t, idOf(refund), "delivered")
			k.app.wasTold(t, "paid", "failed")
		})
	}
}

// ofTransaction is a message about another transaction than paidMessage.
func ofTransaction(n int, message string) string {
	return strings.ReplaceAll(message, "2601021234567890123456789", fmt.Sprint("26010212345678901234567", n))
}

// The gateway may sign the same news again, and a customer holds a proven message of his own: other
// texts, but one payment. The app is told once.
func TestInboxSameNewsInAnotherText(t *testing.T) {
	seconds := []struct{ name, message string }{
		{"another responseDateTime", news(newStamp...)},
		{"another orderDateTime", news(`"orderDateTime":"20260102030405"`, `"orderDateTime":"20260102030400"`)},
		{"amount in another form", news(`"orderAmount":"109000"`, `"orderAmount":109000.00`)},
		{"fewer members", news(`,"language":"vi"`, "")},
		{"another order of members", news(`"orderID":"A-1","orderAmount":"109000"`, `"orderAmount":"109000","orderID":"A-1"`)},
		{"another responseMessage", news("Giao dịch thành công.", "Success")},
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarIn(t, store(t), "")
			for i, test := range seconds {
				first, second := ofTransaction(10+i, paidMessage), ofTransaction(10+i, test.message)
				k.app.answers(finishedThat)
				if got := k.send(t, first); got != "409" {
					t.Errorf("%s: the gateway is told %s", test.name, got)
				}
				k.awaitState(t, idOf(first), "delivered")
				k.app.answers(takesIt)
				if got := k.send(t, second); got != "409" {
					t.Errorf("%s: of the same news the gateway is told %s", test.name, got)
				}
				if e := k.awaitState(t, idOf(second), "repeated"); e.Attempts != 0 {
					t.Errorf("%s: %+v", test.name, e)
				}
				k.app.wasTold(t, "paid")
			}
		})
	}
}

// What differs in anything that matters is delivered: the app must be able to take news twice.
func TestInboxOtherNews(t *testing.T) {
	seconds := []struct{ name, message string }{
		{"another amount", news(`"orderAmount":"109000"`, `"orderAmount":"10900"`)},
		{"another order", news(`"orderID":"A-1"`, `"orderID":"A-2"`)},
		{"another request", news("0f8c2b6e4d1a4c7f9b3e5a7d9c1e3f5b", "refund-1")},
		{"another transaction", news(`"transactionID":"`, `"transactionID":"9`)},
		{"more members", news(`"language":"vi"`, `"language":"vi","tokenization":{"token":"x"}`)},
		{"another currency", news(`"orderCurrency":"VND"`, `"orderCurrency":"USD"`)},
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarIn(t, store(t), "")
			for i, test := range seconds {
				first, second := ofTransaction(10+i, paidMessage), ofTransaction(10+i, test.message)
				k.arrive(t, first)
				k.awaitState(t, idOf(first), "delivered")
				k.arrive(t, second)
				if e := k.awaitState(t, idOf(second), "delivered"); e.Attempts != 1 {
					t.Errorf("%s: %+v", test.name, e)
				}
				k.app.wasTold(t, "paid", "paid")
			}
		})
	}
}

// While the app has not taken the first message, the second one is not dropped for it.
func TestInboxSameNewsBeforeTheAppHasTakenIt(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			k := newInboxSidecarIn(t, store(t), "")
			k.app.answers(isDown)
			k.arrive(t, paidMessage)
			k.awaitState(t, idOf(paidMessage), "dead")
			k.app.answers(takesIt)
			k.app.received()
			second := news(newStamp...)
			k.arrive(t, second)
			k.awaitState(t, idOf(second), "delivered")
			k.app.wasTold(t, "paid")
		})
	}
}

// A payment with everything real: the sandbox sends its IPN, and then the customer posts the
// message that his browser brought to the address of IPNs.
func TestInboxCustomerPostsHisResult(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			s := newSandboxShop(t, "")
			site := paymentSites{app: s.app.address, ipnURL: s.ipns.url, resultBlock: "forward post"}.caddyfile(s.caddyServer)
			site = strings.Replace(site, "environment sandbox", "environment sandbox\nstore "+store(t), 1)
			site = strings.Replace(site, "galaxypay_ipn\n", "galaxypay_ipn {\ninbox {\ndeliver_to http://"+s.app.address+"\n}\n}\n", 1)
			s.mustLoad(t, site)
			s.order(t, orderWith(`"extraData":{}`))
			page := s.postForm(t, s.url("9190")+"/pay/"+s.payment(t), "outcome=success")
			page.wantStatus(t, http.StatusSeeOther)
			if got := s.ipns.await(t, 1); got != "200 ipnStatus 200" {
				t.Errorf("the IPN was answered with %s", got)
			}
			_, result, _ := strings.Cut(page.header.Get("Location"), "?")
			s.postForm(t, s.url("9181")+"/galaxypay/ipn", result).wantIPNStatus(t, "200")
			if got := s.callbacks(t); got != "ipn paid" {
				t.Errorf("the app got %s", got)
			}
		})
	}
}
