package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// metrics returns the values of metrics without labels, from Caddy's admin endpoint.
func (s *server) metrics(ctx context.Context, names ...string) ([]float64, error) {
	text, err := get(ctx, "http://"+s.admin+"/metrics")
	if err != nil {
		return nil, err
	}
	values := make([]float64, len(names))
	for i, name := range names {
		if values[i], err = metric(text, name); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func metric(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}
