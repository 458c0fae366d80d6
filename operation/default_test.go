package operation

import (
	"strings"
	"testing"
)

func TestCheckDefault(t *testing.T) {
	for name, test := range map[string]struct{ field, text, want string }{
		"address of IPNs":              {"ipnURL", "https://shop.example/ipn", ""},
		"plain http":                   {"ipnURL", "http://localhost:9181/galaxypay/ipn?shop=1", ""},
		"address of results":           {"successURL", "https://shop.example", ""},
		"an app's own scheme":          {"failureURL", "shopapp://failed", ""},
		"no address":                   {"language", "vi", ""},
		"only some operations take it": {"customerToken", "c-1", ""},
		"fixed in one of several":      {"sourceOfFund", "CARD", ""},
		"required, and never fixed":    {"orderDescription", "Order", ""},
		"decided by the operation":     {"apiOperation", "PAY", "apiOperation: the operation decides this field"},
		"other letter case":            {"ipnUrl", "https://shop.example", `"ipnUrl": no operation takes this field; did you mean ipnURL?`},
		"capitals":                     {"IPNURL", "https://shop.example", "did you mean ipnURL?"},
		"a letter missing":             {"sucessURL", "https://shop.example", "did you mean successURL?"},
		"a letter too many":            {"cancellURL", "https://shop.example", "did you mean cancelURL?"},
		"another letter":               {"failureURI", "https://shop.example", "did you mean failureURL?"},
		"another letter missing":       {"canclURL", "https://shop.example", "did you mean cancelURL?"},
		"another word":                 {"merchantNote", "x", `"merchantNote": no operation takes this field`},
		"very short":                   {"x", "x", `"x": no operation takes this field`},
		"no name":                      {"", "x", `"": no operation takes this field`},
		"inside an object":             {"extraData.customer.email", "a@b.example", "no operation takes this field"},
		"of an answer":                 {"endpoint", "https://shop.example", "no operation takes this field"},
		"not to be written plainly":    {"ipn\"URL", "https://shop.example", "did you mean ipnURL?"},
		"empty":                        {"language", "", "language: expected a text"},
		"null":                         {"ipnURL", "null", "ipnURL: expected a text"},
		"an object":                    {"extraData", `{"a":1}`, "extraData: this field is a JSON object"},
		"a list":                       {"paymentMethods", "DOMESTIC", "paymentMethods: this field is a JSON array"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckDefault(test.field, test.text)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if strings.Contains(test.want, "takes this field") && !strings.Contains(test.want, "did you") && strings.Contains(err.Error(), "did you") {
				t.Errorf("a wrong guess: %v", err)
			}
		})
	}
}

func TestCheckDefaultOfCallbackAddresses(t *testing.T) {
	wrong := map[string]string{
		"relative": "/galaxypay/ipn", "without a scheme": "shop.example/ipn", "without a scheme, port": "shop.example:443/ipn", "scheme of the page": "//shop.example/ipn",
		"without a host": "https:///ipn", "scheme alone": "https://", "port alone": "https://:443/ipn", "one slash": "https:/shop.example", "no slash": "https:shop.example",
		"no address": "shop", "blank in front": " https://shop.example/ipn", "not text for an address": "https://shop.example/%zz",
	}
	for _, field := range []string{"ipnURL", "successURL", "failureURL", "cancelURL"} {
		for name, text := range wrong {
			err := CheckDefault(field, text)
			if err == nil || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), "absolute") {
				t.Errorf("%s, %s: error %v", field, name, err)
			}
		}
	}
	if err := CheckDefault("ipnURL", "canary://secret"); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("the error quotes the text: %v", err)
	}
	for name, text := range map[string]string{"another scheme": "ftp://shop.example/ipn", "an app's own scheme": "shopapp://paid"} {
		if CheckDefault("ipnURL", text) == nil {
			t.Errorf("ipnURL, %s: no error", name)
		}
	}
}
