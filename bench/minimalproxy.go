package main

import (
	"context"
	"flag"
	"io"
	"maps"
	"net/http"
	"time"
)

// runMinimalProxy is the least that a proxy can be in Go: a server and a transport of the standard library, and nothing between
// them. It neither signs nor checks; it is the floor under every proxy that is built on net/http.
func runMinimalProxy(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("minimalproxy", flag.ContinueOnError)
	listen := flags.String("listen", "", "")
	upstream := flags.String("upstream", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 512}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := forward(transport, *upstream, w, r); err != nil {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	server := &http.Server{Addr: *listen, Handler: handler, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

func forward(transport *http.Transport, upstream string, w http.ResponseWriter, r *http.Request) error {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, upstream+r.URL.Path, r.Body)
	if err != nil {
		return err
	}
	req.ContentLength = r.ContentLength
	req.Header = r.Header
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, err = io.Copy(w, resp.Body)
	return err
}
