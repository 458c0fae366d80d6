package sandbox

import (
	"net/http"
	"testing"
)

// What one merchant has is unknown to every other one.
func TestMerchantsAreApart(t *testing.T) {
	one, other := serve(t, &Handler{APIKey: "one"}), serve(t, &Handler{APIKey: "other"})
	id, page := one.pay("")
	token := one.createToken("create-1")
	one.press(page, "success")
	for name, s := range map[string]struct{ path, data, want string }{
		"query":          {"transaction/query", `{"transactionID":"` + id + `"}`, "transactionID is unknown"},
		"refund":         {"transaction/refund", `{"transactionID":"` + id + `"` + back("1", "VND") + `}`, "transactionID is unknown"},
		"pay with token": {"transaction/pay", charging(token), "token is unknown or no longer valid"},
		"fast pay":       {"transaction/pay", fast(`,"token":"` + token + `"`), "token is unknown or no longer valid"},
		"delete token":   {"tokenization/deleteToken", `{"token":"` + token + `"}`, "token is unknown or no longer valid"},
	} {
		if answer := other.ask("/api/v1/"+s.path, envelope(name, s.data)); answer.ResponseCode != "400" || answer.ResponseMessage != s.want {
			t.Errorf("%s: %+v", name, answer)
		}
	}
	if _, response := other.open("/pay/"+id, nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("page: HTTP %d", response.StatusCode)
	}
	if cards := other.cards(); len(cards) != 0 {
		t.Errorf("cards %v", cards)
	}
	other.pay("") // under the same requestID
}
