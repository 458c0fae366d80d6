package stdlog

import (
	"bytes"
	"log"
	"strings"
	"testing"
)

func TestKeepOutBytes(t *testing.T) {
	before := log.Writer()
	defer log.SetOutput(before)
	var lines bytes.Buffer
	log.SetOutput(&lines)
	KeepOutBytes()
	KeepOutBytes()
	log.Printf("Unsolicited response received on idle HTTP channel starting with %q; err=%v", "HTTP/1.1 200 OK\r\n\r\ncanary", nil)
	log.Print("another line")
	got := lines.String()
	if strings.Contains(got, "canary") || strings.Count(got, "left out") != 1 || !strings.Contains(got, "another line\n") {
		t.Errorf("logged %q", got)
	}
}
