package main

import (
	"encoding/json"
	"testing"
)

func TestPayBody(t *testing.T) {
	for _, size := range []int{256, usualBodyBytes, 64 << 10} {
		body, err := payBody(size)
		if err != nil {
			t.Fatal(err)
		}
		if len(body) != size || !json.Valid([]byte(body)) {
			t.Errorf("%d bytes, expected %d of JSON: %.700s", len(body), size, body)
		}
	}
	if _, err := payBody(100); err == nil {
		t.Error("no error for a size that no payment fits into")
	}
}
