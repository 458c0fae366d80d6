package sandboxtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/sandboxtest"
)

// A payment of the operation pay, as plain JSON.
var payment = map[string]string{
	"orderID": "DH-1001", "orderNumber": "1001", "orderAmount": "109000", "orderCurrency": "VND",
	"orderDateTime": "20260615190000", "orderDescription": "Cà phê sữa đá", "paymentMethod": "DOMESTIC",
}

// In a test, New starts a sandbox that ends with the test. The app or the sidecar under
// test takes its URL, APIKey and Salt.
func ExampleNew() {
	var t *testing.T // of your test

	s := sandboxtest.New(t)
	opened, err := s.Open(payment)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Complete(opened.ID); err != nil {
		t.Error(err)
	}
}

// Without a test, Start and Close are the begin and the end.
func ExampleStart() {
	s, err := sandboxtest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	opened, err := s.Open(payment)
	fmt.Println(opened.OrderID, opened.Stage, err)
	paid, err := s.Complete(opened.ID)
	fmt.Println(paid.Stage, paid.Outcome, err)
	// Output:
	// DH-1001 INIT <nil>
	// SUCCESSFUL success <nil>
}

// A payment expires when the sandbox's clock is past its time.
func ExampleServer_Advance() {
	s, err := sandboxtest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	opened, _ := s.Open(payment)
	_, err = s.Advance(16 * time.Minute)
	fmt.Println(err)
	late, err := s.Transaction(opened.ID)
	fmt.Println(late.Outcome, err)
	// Output:
	// <nil>
	// expired <nil>
}

// GET /sandbox/faults of a sandbox lists the names.
func ExampleServer_SetFaults() {
	s, err := sandboxtest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	fmt.Println(s.SetFaults("answer_unsigned", "ipn_twice")) // of every request and payment from now on
	fmt.Println(s.SetFaults())                               // and no more
	// Output:
	// <nil>
	// <nil>
}
