package wirelog

import (
	"strings"
	"testing"
)

func TestCardsAreHidden(t *testing.T) {
	const card, test = "4111111111111111", "4012000033330026"
	hidden := strings.Repeat("•", 16)
	for name, c := range map[string]struct{ body, want string }{
		"card":             {`{"a":1,"requestData":{"cardNumber":"` + card + `","b":2}}`, `{"a":1,"requestData":{"cardNumber":"` + hidden + `","b":2}}`},
		"as a number":      {`{"cardNumber": ` + card + ` }`, `{"cardNumber": ` + hidden + ` }`},
		"in groups":        {`{"cardNumber":"4111 1111 1111 1111"}`, `{"cardNumber":"•••• •••• •••• ••••"}`},
		"test card":        {`{"cardNumber":"` + test + `"}`, `{"cardNumber":"` + test + `"}`},
		"CVV":              {`{"cardVerificationValue":"123"}`, `{"cardVerificationValue":"•••"}`},
		"CVV of test card": {`{"cardNumber":"` + test + `","cardVerificationValue":"123"}`, `{"cardNumber":"` + test + `","cardVerificationValue":"•••"}`},
		"other case":       {`{"CARDNUMBER":"` + card + `"}`, `{"CARDNUMBER":"` + hidden + `"}`},
		"escaped name":     {`{"card\u004eumber":"` + card + `"}`, `{"card\u004eumber":"` + hidden + `"}`},
		"escaped digits":   {`{"cardNumber":"\u0034111111111111111"}`, `{"cardNumber":"\u•••••••••••••••••••"}`},
		"list":             {`{"cardNumber":["` + card + `"]}`, `{"cardNumber":["` + hidden + `"]}`},
		"JSON inside text": {`{"requestData":"{\"cardNumber\":\"` + card + `\"}"}`, `{"requestData":"{\"cardNumber\":\"` + hidden + `\"}"}`},
		"twice":            {`{"cardNumber":"` + card + `","cardNumber":"` + card + `"}`, `{"cardNumber":"` + hidden + `","cardNumber":"` + hidden + `"}`},
		"form":             {`cardNumber=` + card + `&cardVerificationValue=123`, `cardNumber=` + hidden + `&cardVerificationValue=•••`},
		"encoded form":     {`x=%7B%22cardNumber%22%3A%22x` + card, `x=%7B%22cardNumber%••%3A%22x` + hidden},
		"behind a mistake": {`{"a":1]{"cardNumber":"` + card + `"}`, `{"a":1]{"cardNumber":"` + hidden + `"}`},
		"broken off":       {`{"cardNumber":"` + card, `{"cardNumber":"` + hidden},
		"other numbers":    {`{"orderNumber":205249008064,"orderAmount":12.50}`, `{"orderNumber":205249008064,"orderAmount":12.50}`},
		"nothing":          {``, ``},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(withoutCards([]byte(c.body))); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// A number must not survive because the body is cut in the middle of it.
func TestCardsAreHiddenBeforeTheCut(t *testing.T) {
	padding := strings.Repeat("x", maxBody-40)
	body := `{"a":"` + padding + `","cardNumber":"4111111111111111"}`
	c := newRequestContent([]byte(body))
	if strings.Contains(c.Text, "4111") || c.Length != len(body) || !c.Cut || len(c.Text) > maxBody {
		t.Errorf("kept …%s, %d bytes of %d, cut: %t", c.Text[len(c.Text)-60:], len(c.Text), c.Length, c.Cut)
	}
}
