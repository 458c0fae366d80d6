package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed wrk.lua
var wrkScript string

// load is what wrk found. Its percentiles are those of a client that waits for one answer before the next request.
type load struct {
	Requests     int     `json:"requests"`
	Microseconds float64 `json:"microseconds"`
	Failed       int     `json:"failed"`  // connections that broke, and timeouts
	Refused      int     `json:"refused"` // answers other than 2xx and 3xx
	P50          float64 `json:"p50"`     // microseconds
	P99          float64 `json:"p99"`
}

func (l *load) perSecond() float64 { return float64(l.Requests) / l.Microseconds * 1e6 }

// wrk posts the body in a file to url for a while. One failure spoils the measurement: a refusal takes less time than an answer.
func (b *bench) wrk(ctx context.Context, url, bodyFile string, conns int, duration time.Duration) (load, error) {
	script, err := b.write("wrk.lua", wrkScript)
	if err != nil {
		return load{}, err
	}
	text, err := output(ctx, b.dir, "wrk",
		"-t", strconv.Itoa(min(conns, procs())), "-c", strconv.Itoa(conns), "-d", strconv.Itoa(int(duration.Seconds()))+"s",
		"--timeout", "10s", "-s", script, url, "--", bodyFile)
	if err != nil {
		return load{}, err
	}
	l, err := parseLoad(text)
	if err != nil {
		return load{}, err
	}
	if l.Failed > 0 || l.Refused > 0 {
		return load{}, fmt.Errorf("%s: of %d requests %d failed and %d were refused", url, l.Requests, l.Failed, l.Refused)
	}
	return l, nil
}

// parseLoad finds the line that wrk.lua prints.
func parseLoad(text string) (load, error) {
	var l load
	for line := range strings.Lines(text) {
		figures, ok := strings.CutPrefix(line, "RESULT ")
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(figures), &l); err != nil {
			return l, fmt.Errorf("wrk: %w", err)
		}
		if l.Requests == 0 || l.Microseconds == 0 {
			return l, errors.New("wrk got no answer at all")
		}
		return l, nil
	}
	return l, fmt.Errorf("wrk printed no result:\n%s", text)
}
