package sandbox

import (
	"encoding/base64"
	"html/template"

	"rsc.io/qr"
)

// qrImage is the code of an address as the source of an image, so that the page loads
// nothing; empty if the address is too long for a code.
func qrImage(address string) template.URL {
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		return ""
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(code.PNG())) //nolint:gosec // G203: Base64 ends no attribute
}
