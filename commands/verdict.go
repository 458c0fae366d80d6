package commands

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

var theText = language.Both("the text", "văn bản")

// sentenceOf is the answer of verify for people.
func sentenceOf(c *cobra.Command, s signedText, v verdict) string {
	tag := command.Language(c)
	what := s.what.In(tag)
	switch {
	case v.Proven:
		return fmt.Sprintf(command.Say(c, "PROVEN: %s is signed by the salt of %s (%d bytes).",
			"ĐÃ XÁC THỰC: %s được ký bằng salt của %s (%d byte)."), what, v.ProvenBy, v.Bytes)
	case v.Signature == "missing" && s.lookalike != "":
		return fmt.Sprintf(command.Say(c, "NOT PROVEN: %s has no signature, but it has %q. Its name must be signature.",
			"CHƯA XÁC THỰC: %s không có signature, nhưng có %q. Tên đúng phải là signature."), what, s.lookalike)
	case v.Signature == "missing":
		return fmt.Sprintf(command.Say(c, "NOT PROVEN: %s has no signature.", "CHƯA XÁC THỰC: %s không có chữ ký."), what)
	}
	return fmt.Sprintf(command.Say(c, "NOT PROVEN: the signature does not fit %s (%d bytes). To see why, use caddy galaxypay doctor.",
		"CHƯA XÁC THỰC: chữ ký không khớp với %s (%d byte). Để biết vì sao, dùng caddy galaxypay doctor."), what, v.Bytes)
}
