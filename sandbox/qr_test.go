package sandbox

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image/color"
	"image/png"
	"regexp"
	"strings"
	"testing"

	"rsc.io/qr/coding"
)

func TestQRImage(t *testing.T) {
	g := serve(t, new(Handler))
	data := g.ask("/api/v1/transaction/payWithQR", envelope("qr-1", purchase(`,"orderAmount":12500,"orderCurrency":"VND","paymentMethod":"QRPAY","sourceType":"QRPAY"`))).ResponseData
	text, _ := g.open(data["endpoint"]+"?language=vi", nil)
	source := regexp.MustCompile(`<img id="qr" src="data:image/png;base64,([^"]+)"`).FindStringSubmatch(text)
	if source == nil {
		t.Fatalf("no image in %s", text)
	}
	picture, err := base64.StdEncoding.DecodeString(html.UnescapeString(source[1]))
	if err != nil {
		t.Fatal(err)
	}
	if got := scan(t, picture); got != data["qrCode"] {
		t.Errorf("the code says %q, want %q", got, data["qrCode"])
	}
}

// An address that is too long for a code leaves the page without one.
func TestNoQRImage(t *testing.T) {
	if got := qrImage(strings.Repeat("a", 4<<10)); got != "" {
		t.Errorf("image %s", got)
	}
}

// scan reads a code of bytes, as a phone would if it saw no error. It has the order of the
// bits from the library, and all else from the picture.
func scan(t *testing.T, picture []byte) string {
	t.Helper()
	image, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	const scale, quiet = 8, 4 // pixels of a module, modules of the margin
	size := image.Bounds().Dx()/scale - 2*quiet
	black := func(x, y int) bool {
		gray := color.GrayModel.Convert(image.At((x+quiet)*scale, (y+quiet)*scale)).(color.Gray)
		return gray.Y < 128
	}
	version := coding.Version((size - 17) / 4)
	plan, err := coding.NewPlan(version, coding.M, 0)
	if err != nil {
		t.Fatal(err)
	}
	bits := make([]bool, 8*plan.DataBytes)
	for y, row := range plan.Pixel {
		for x, pixel := range row {
			if pixel.Role() == coding.Data && int(pixel.Offset()) < len(bits) {
				bits[pixel.Offset()] = black(x, y) != (pixel&coding.Invert != 0)
			}
		}
	}
	number := func(from, length int) (n int) {
		for _, bit := range bits[from : from+length] {
			n *= 2
			if bit {
				n++
			}
		}
		return n
	}
	if mode := number(0, 4); mode != 4 || version > 9 {
		t.Fatalf("mode %d, version %d", mode, version)
	}
	var text strings.Builder
	for i := range number(4, 8) {
		fmt.Fprintf(&text, "%c", number(12+8*i, 8))
	}
	return text.String()
}
