package main

import (
	"strings"
	"testing"
)

func TestParseLoad(t *testing.T) {
	const text = `Running 1s test @ http://127.0.0.1:1/
  2 threads and 32 connections
Requests/sec:  5755.12
RESULT {"requests":6000,"microseconds":2000000,"failed":1,"refused":2,"p50":4844,"p99":20874}
`
	got, err := parseLoad(text)
	if err != nil {
		t.Fatal(err)
	}
	if want := (load{Requests: 6000, Microseconds: 2e6, Failed: 1, Refused: 2, P50: 4844, P99: 20874}); got != want {
		t.Errorf("parsed %+v, expected %+v", got, want)
	}
	if got.perSecond() != 3000 {
		t.Errorf("%v requests per second, expected 3000", got.perSecond())
	}
}

func TestParseLoadRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"no result":   {"unable to connect\n", "no result"},
		"no answer":   {`RESULT {"requests":0,"microseconds":1000000}`, "no answer"},
		"broken JSON": {`RESULT {"requests":`, "unexpected end"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseLoad(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, expected one about %q", err, test.want)
			}
		})
	}
}
