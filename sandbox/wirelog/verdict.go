package wirelog

import "github.com/galaxypay-sidecar/caddy-galaxypay/sandbox/internal/message"

// Verdict says whether a message is signed as it should be; empty: not judged.
type Verdict string

// The verdicts.
const (
	SignatureRight   Verdict = "right"
	SignatureMissing Verdict = "missing"
	SignatureWrong   Verdict = "wrong"
	UnknownAPIKey    Verdict = "unknown apiKey" // so the signature was not judged
)

// Verdicts are all of them.
func Verdicts() []Verdict {
	return []Verdict{SignatureRight, SignatureMissing, SignatureWrong, UnknownAPIKey}
}

func judge(text []byte, salt, signature string) Verdict {
	switch {
	case signature == "":
		return SignatureMissing
	case !message.Verify(text, salt, signature):
		return SignatureWrong
	}
	return SignatureRight
}
