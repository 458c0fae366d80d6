package galaxypay

import (
	"time"
)

// verify proves the answer over the bytes received, before anything parses them.
func (p *Proxy) verify(x *exchange) *failure {
	verdict := p.merchant.signer.verify(x.reply.body, x.reply.signature, time.Now())
	if verdict == signatureProven {
		return nil
	}
	if p.Verify == "report" {
		x.unproven = true
		return nil
	}
	if verdict == signatureMissing {
		return unsigned(&x.reply)
	}
	return fail(CodeResponseSignatureInvalid, msgWrongSignature)
}

// unsigned quotes a refusal's code and message, marked as unproven: a gateway that
// does not know the merchant cannot sign, and its reason is what a developer needs.
func unsigned(rp *reply) *failure {
	a, err := parseAnswer(rp.body)
	if err != nil || a.responseCode == "" || a.responseCode == "200" {
		return fail(CodeResponseSignatureMissing, msgUnsigned, rp.status)
	}
	return fail(CodeResponseSignatureMissing, msgUnsignedRefusal, rp.status, quote(a.responseCode, 3), quote(a.responseMessage(), 250))
}

// unwrap takes the answer apart and turns a refusal into its problem.
func (p *Proxy) unwrap(x *exchange) *failure {
	a, err := parseAnswer(x.reply.body)
	if err != nil {
		return fail(CodeResponseMalformed, msgAnswerNotJSON)
	}
	success := a.responseCode == "200"
	if a.requestID != x.request.requestID && (success || a.requestID != "") {
		return fail(CodeResponseMalformed, msgAnswerOther)
	}
	x.answer = a
	if success {
		return nil
	}
	f := fail(CodeResponseCodeUnexpected, msgCodeUnexpected)
	if code, ok := refusals[a.responseCode]; ok {
		f = fail(code, msgRefused, a.responseCode)
	}
	f.responseCode, f.responseMessage = a.responseCode, a.responseMessage()
	f.unproven = x.unproven
	return f
}
