package caddytest

import (
	"slices"
	"strings"
	"testing"
)

// faultRow is what app and gateway see of a fault of the sandbox, through the sidecar. The table in
// docs/sandbox.md is generated from these rows.
type faultRow struct {
	fault   string
	options string // of the directive galaxypay
	trace
}

// withoutFault is a payment with which nothing goes wrong.
var withoutFault = trace{"200", true, "200 ipnStatus 200", "ipn paid, result paid", "200 paid"}

// withPay is this trace with another answer to POST /pay.
func (e trace) withPay(pay string) trace {
	e.pay = pay
	return e
}

// withCallbacks is this trace with other IPNs.
func (e trace) withCallbacks(ipns, app string) trace {
	e.ipns, e.app = ipns, app
	return e
}

// withQuery is this trace with another answer to POST /query.
func (e trace) withQuery(query string) trace {
	e.query = query
	return e
}

// deliveries is how many IPNs reach the sidecar.
func (e trace) deliveries() int {
	if e.ipns == "" {
		return 0
	}
	return 1 + strings.Count(e.ipns, ", ")
}

var faultRows = []faultRow{
	{"answer_code_401", "", trace{pay: "502 gateway_unauthorized rejected"}},
	{"answer_code_408", "", trace{pay: "402 payment_expired rejected"}},
	{"answer_code_409", "", trace{pay: "409 transaction_duplicate unknown"}},
	{"answer_code_499", "", trace{pay: "402 payment_cancelled rejected"}},
	{"answer_code_502", "", trace{pay: "502 provider_unreachable rejected"}},
	{"answer_code_503", "", trace{pay: "503 provider_unavailable rejected"}},
	{"answer_code_504", "", trace{pay: "504 provider_timeout unknown"}},
	{"answer_code_505", "", trace{pay: "402 authentication_failed rejected"}},
	{"answer_code_00", "", withoutFault.withPay("502 response_code_unexpected unknown")},
	{"answer_other_request", "", withoutFault.withPay("502 response_malformed unknown")},
	{"answer_clock_skew", "", withoutFault},
	{"answer_extra_fields", "", withoutFault},
	{"answer_data_string", "", withoutFault},
	{"answer_numbers", "", withoutFault},
	{"answer_1mib", "", withoutFault.withPay("502 response_malformed unknown")},
	{"answer_1mib", "max_body 1MiB", withoutFault},
	{"answer_empty", "", withoutFault.withPay("502 response_malformed unknown")},
	{"answer_wrong_salt", "", withoutFault.withPay("502 response_signature_invalid unknown")},
	{"answer_unsigned", "", withoutFault.withPay("502 response_signature_missing unknown")},
	{"answer_tampered", "", withoutFault.withPay("502 response_signature_invalid unknown")},
	{"answer_gzip", "", withoutFault},
	{"answer_gzip", "transport http {\ncompression off\n}", withoutFault.withPay("502 response_signature_invalid unknown")},
	{"answer_slow", "", withoutFault},
	{"answer_slow", "timeout 1s", withoutFault.withPay("504 gateway_timeout unknown")},
	{"answer_cut", "", withoutFault.withPay("502 gateway_no_answer unknown")},
	{"answer_html_502", "", withoutFault.withPay("502 response_signature_missing unknown")},
	{"answer_hang", "timeout 1s", withoutFault.withPay("504 gateway_timeout unknown")},
	{"reset_after", "", withoutFault.withPay("502 gateway_no_answer unknown")},
	{"reset_before", "", trace{pay: "502 gateway_no_answer unknown"}},

	{"ipn_paid_after_expired", "", withoutFault.withCallbacks("200 ipnStatus 200, 200 ipnStatus 200", "ipn expired, ipn paid, result paid")},
	{"ipn_cancel_after_paid", "", withoutFault.withCallbacks("200 ipnStatus 200, 200 ipnStatus 200", "ipn paid, ipn cancelled, result paid")},
	{"ipn_clock_skew", "", withoutFault},
	{"ipn_plus", "", withoutFault},
	{"ipn_twice", "", withoutFault.withCallbacks("200 ipnStatus 200, 200 ipnStatus 200", "ipn paid, the same ipn paid, result paid")},
	{"ipn_tampered_amount", "", withoutFault.withCallbacks("403 signature_invalid", "result paid")},
	{"ipn_wrong_salt", "", withoutFault.withCallbacks("403 signature_invalid", "result paid")},
	{"ipn_unsigned", "", withoutFault.withCallbacks("403 signature_invalid", "result paid")},
	{"ipn_other_order", "", withoutFault.withCallbacks("200 ipnStatus 200", "ipn paid of something else, result paid")},
	{"ipn_other_amount", "", withoutFault.withCallbacks("200 ipnStatus 200", "ipn paid of something else, result paid")},
	{"ipn_other_currency", "", withoutFault.withCallbacks("200 ipnStatus 200", "ipn paid of something else, result paid")},
	{"ipn_before_answer", "", withoutFault},
	{"ipn_late", "", withoutFault.withCallbacks("200 ipnStatus 200", "result paid, ipn paid")},
	{"ipn_lost", "", withoutFault.withCallbacks("", "result paid")},

	{"result_other_order", "", withoutFault.withCallbacks("200 ipnStatus 200", "ipn paid, result paid of something else")},
	{"result_other_amount", "", withoutFault.withCallbacks("200 ipnStatus 200", "ipn paid, result paid of something else")},
	{"result_other_currency", "", withoutFault.withCallbacks("200 ipnStatus 200", "ipn paid, result paid of something else")},
	{"result_plus", "", withoutFault},

	{"query_contradicts", "", withoutFault.withQuery("200 failed")},
	{"query_lags", "", withoutFault.withQuery("200 pending")},
	{"query_other_amount", "", withoutFault},
	{"query_unknown", "", withoutFault.withQuery("400 gateway_bad_request rejected")},
}

// Every fault of the sandbox does to app and gateway what its row says.
func TestSandboxFaults(t *testing.T) {
	for _, row := range faultRows {
		t.Run(row.fault, func(t *testing.T) {
			s := newSandboxShop(t, row.options)
			got := s.buy(t, orderWith(`"extraData":{"sandboxFault":"`+row.fault+`"}`), row.deliveries())
			if got != row.trace {
				t.Errorf("options %q\n got %+v\nwant %+v", row.options, got, row.trace)
			}
			s.repeat(t, row.opened)
		})
	}
}

// Without a fault nothing goes wrong, so the faults are the cause of what goes wrong with them.
func TestSandboxWithoutFault(t *testing.T) {
	if got := newSandboxShop(t, "").buy(t, orderWith(`"extraData":{}`), 1); got != withoutFault {
		t.Errorf("\n got %+v\nwant %+v", got, withoutFault)
	}
}

// ordersWithFault are orders that ask for the fault ipn_twice, in every way.
var ordersWithFault = map[string]string{
	"by name":                           orderWith(`"extraData":{"sandboxFault":"ipn_twice"}`),
	"by name, among several":            orderWith(`"extraData":{"sandboxFault":["answer_numbers","ipn_twice"]}`),
	"in the description":                strings.Replace(orderWith(`"extraData":{}`), "Cà phê", "Cà phê [fault:ipn_twice]", 1),
	"in the description, among several": strings.Replace(orderWith(`"extraData":{}`), "Cà phê", "[fault:ipn_twice][fault:answer_numbers]", 1),
}

// An order can ask for a fault in several ways.
func TestSandboxFaultIsAskedForInEveryWay(t *testing.T) {
	want := rowOf("ipn_twice")
	for name, order := range ordersWithFault {
		t.Run(name, func(t *testing.T) {
			if got := newSandboxShop(t, "").buy(t, order, want.deliveries()); got != want.trace {
				t.Errorf("\n got %+v\nwant %+v", got, want.trace)
			}
		})
	}
}

// A fault that is set for all calls affects payments and queries that do not ask for it, until it is
// cleared.
func TestSandboxFaultForAllCalls(t *testing.T) {
	s := newSandboxShop(t, "")
	unsigned := rowOf("answer_unsigned").pay
	s.setFaults(t, `"answer_unsigned","ipn_twice"`)
	want := rowOf("ipn_twice")
	want.pay, want.query = unsigned, unsigned
	if got := s.buy(t, orderWith(`"extraData":{}`), want.deliveries()); got != want.trace {
		t.Errorf("\n got %+v\nwant %+v", got, want.trace)
	}
	s.setFaults(t, "")
	if got := s.query(t, s.payment(t)); got != "200 paid" {
		t.Errorf("after it was cleared, the query says %s", got)
	}
}

// rowOf is the first row of this fault.
func rowOf(fault string) faultRow {
	return faultRows[slices.IndexFunc(faultRows, func(row faultRow) bool { return row.fault == fault })]
}

// Every fault of the sandbox has a row here, so that its effect on the app is written down.
func TestSandboxFaultsAreCovered(t *testing.T) {
	known := make(map[string]bool)
	for _, fault := range newSandboxShop(t, "").faultSettings(t).Known {
		known[fault.Name] = true
		if !slices.ContainsFunc(faultRows, func(row faultRow) bool { return row.fault == fault.Name }) {
			t.Errorf("%s has no row", fault.Name)
		}
	}
	for _, row := range faultRows {
		if !known[row.fault] {
			t.Errorf("the sandbox does not know %s", row.fault)
		}
	}
}

// repeat checks that the same order under the same key, without a fault, ends in one payment, whether
// or not there was one before.
func (s sandboxShop) repeat(t *testing.T, opened bool) {
	t.Helper()
	want := "200"
	if opened {
		want = "409 transaction_duplicate unknown"
	}
	if got := s.order(t, orderWith(`"extraData":{}`)).summary(t); got != want {
		t.Errorf("the repetition was answered with %s, want %s", got, want)
	}
	if s.payment(t) == "" {
		t.Error("there is no payment after the repetition")
	}
}
