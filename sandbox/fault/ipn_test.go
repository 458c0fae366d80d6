package fault

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"
)

// What makes + and / in Base64 does so wherever it is, and leaves the message readable.
func TestPlusInEveryPlace(t *testing.T) {
	for _, start := range []string{"", "1", "12"} {
		text := withPlus([]byte(`{"requestID":"` + start + `","responseMessage":"Success","responseCode":"200"}`))
		data := base64.StdEncoding.EncodeToString(text)
		var m message.Envelope
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(data, "+") || !strings.Contains(data, "/") || !strings.HasPrefix(m.ResponseMessage, "Success") || m.ResponseCode != "200" {
			t.Errorf("%s in %s", text, data)
		}
	}
}
