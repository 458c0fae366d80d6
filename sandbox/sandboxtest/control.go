package sandboxtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Transaction is a payment as the sandbox knows it.
type Transaction struct {
	ID        string    `json:"id"`
	RequestID string    `json:"requestID"`
	OrderID   string    `json:"orderID"`
	Amount    string    `json:"orderAmount"` // in the merchant's own spelling
	Currency  string    `json:"orderCurrency"`
	Stage     string    `json:"stage"`   // INIT, PROCESSING, SUCCESSFUL or FAILURE
	Outcome   string    `json:"outcome"` // success, refused, failure, cancel, expired, authorised, voided; empty while it is open
	ExpiresAt time.Time `json:"expiresAt"`
	Refunded  string    `json:"refunded"` // the sum of all refunds; empty: none
	Page      string    `json:"page"`     // path of the payment page
	IPN       struct {
		State    string `json:"state"` // none, waiting, sending, answered or failed
		Attempts int    `json:"attempts"`
		Status   int    `json:"status"` // HTTP status of the app's latest answer
		Answer   string `json:"answer"`
		Failure  string `json:"failure"` // why there was no answer
	} `json:"ipn"`
}

// Open opens a payment without a signature. requestData is encoded as JSON and is that of
// the operation pay.
func (s *Server) Open(requestData any) (Transaction, error) {
	return s.change("", requestData)
}

// Transactions lists what the sandbox remembers, the newest first.
func (s *Server) Transactions() ([]Transaction, error) {
	var answer struct{ Transactions []Transaction }
	err := s.ask(http.MethodGet, "transactions", nil, &answer)
	return answer.Transactions, err
}

// Transaction returns one transaction.
func (s *Server) Transaction(id string) (Transaction, error) {
	var t Transaction
	err := s.ask(http.MethodGet, "transactions/"+url.PathEscape(id), nil, &t)
	return t, err
}

// Complete pays an open payment. Like Fail, Cancel and Expire it returns when the app has
// got its IPN, and it is an error if the payment is not open.
func (s *Server) Complete(id string) (Transaction, error) { return s.act(id, "complete", nil) }

// Fail lets an open payment fail. The reason is authentication or refused, the latter by
// the bank; empty means authentication.
func (s *Server) Fail(id, reason string) (Transaction, error) {
	if reason == "" {
		return s.act(id, "fail", nil)
	}
	return s.act(id, "fail", map[string]string{"reason": reason})
}

// Cancel cancels an open payment.
func (s *Server) Cancel(id string) (Transaction, error) { return s.act(id, "cancel", nil) }

// Expire lets an open payment expire at once.
func (s *Server) Expire(id string) (Transaction, error) { return s.act(id, "expire", nil) }

// ResendIPN sends the IPN of a settled payment once more.
func (s *Server) ResendIPN(id string) (Transaction, error) { return s.act(id, "resend-ipn", nil) }

// ResendIPNWithNewTime sends it once more with the present as its responseDateTime, signed for that: an IPN
// that an app has not seen, about a payment that it knows.
func (s *Server) ResendIPNWithNewTime(id string) (Transaction, error) {
	return s.act(id, "resend-ipn", map[string]bool{"newTime": true})
}

// Refund gives back an amount such as 12.50; empty means all that is left.
func (s *Server) Refund(id, amount string) (Transaction, error) {
	if amount == "" {
		return s.act(id, "refund", nil)
	}
	return s.act(id, "refund", map[string]string{"amount": amount})
}

// Capture takes the money of an authorised payment.
func (s *Server) Capture(id string) (Transaction, error) { return s.act(id, "capture", nil) }

// Void gives up an authorised payment.
func (s *Server) Void(id string) (Transaction, error) { return s.act(id, "void", nil) }

// SetFaults lets these faults strike with every request and every payment from now on, in
// the place of those that were set before; none ends them.
func (s *Server) SetFaults(names ...string) error {
	return s.ask(http.MethodPut, "faults", map[string][]string{"faults": append([]string{}, names...)}, nil)
}

// Advance moves the sandbox's clock on and returns its time. It can be ten years ahead at
// most, and never goes back.
func (s *Server) Advance(by time.Duration) (now time.Time, err error) {
	var answer struct{ Now time.Time }
	err = s.ask(http.MethodPost, "clock", map[string]string{"advance": by.String()}, &answer)
	return answer.Now, err
}

// Reset forgets everything: transactions, tokens, request ids, faults and the clock.
func (s *Server) Reset() error { return s.ask(http.MethodPost, "reset", nil, nil) }

func (s *Server) act(id, action string, body any) (Transaction, error) {
	return s.change("/"+url.PathEscape(id)+"/"+action, body)
}

func (s *Server) change(path string, body any) (Transaction, error) {
	var t Transaction
	err := s.ask(http.MethodPost, "transactions"+path, body, &t)
	return t, err
}

// ask calls the control API. A nil body is none, and a nil answer is not read.
func (s *Server) ask(method, path string, body, answer any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(s.ctx, method, s.URL+"/sandbox/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s /sandbox/%s: HTTP %d: %s", method, path, response.StatusCode, said)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}
