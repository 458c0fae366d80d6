package galaxypay

import (
	"regexp"
	"testing"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// said names the sentences that tests expect.
var said = map[string]*problem.Problem{
	"body_timeout":       problem.BodyTimeout(),
	"bodies_unfinished":  problem.BodiesUnfinished(0),
	"body_unreadable":    problem.BodyUnreadable(problem.CodeBodyInvalid),
	"body_too_large":     problem.BodyTooLarge(0),
	"content_encoding":   problem.ContentEncoding(),
	"method":             problem.MethodNotAllowed("POST"),
	"callback_base64":    problem.CallbackBase64(),
	"callback_body":      problem.CallbackBody(),
	"callback_data":      problem.CallbackData(),
	"callback_form":      problem.CallbackForm(),
	"callback_no_data":   problem.CallbackNoData(),
	"callback_signature": problem.CallbackSignature(),
	"callback_twice":     problem.CallbackTwice("data"),
	"callback_unsigned":  problem.CallbackUnsigned(),
}

// argument is what may differ between two uses of one of those sentences.
var argument = regexp.MustCompile(`\d+|\b(data|signature) is given|GET, HEAD, POST|POST`)

// outcomeOf describes a problem in two words, for comparison, code and sentence; "" for none.
func outcomeOf(prob *problem.Problem) string {
	if prob == nil {
		return ""
	}
	detail := func(p *problem.Problem) string {
		return argument.ReplaceAllString(p.Body(language.English).Detail, "*")
	}
	for name, known := range said {
		if detail(known) == detail(prob) {
			return string(prob.Code) + " " + name
		}
	}
	return string(prob.Code) + " " + detail(prob)
}

func TestSaidTellsSentencesApart(t *testing.T) {
	for name, prob := range said {
		if got := outcomeOf(prob); got != string(prob.Code)+" "+name {
			t.Errorf("%s is described as %s", name, got)
		}
	}
}
