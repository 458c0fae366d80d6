// Package sandboxtest runs a sandbox gateway for the duration of a Go test.
//
//	s := sandboxtest.New(t)
//	// The app or the sidecar under test takes s.URL, s.APIKey and s.Salt.
//	_, err := s.Complete(transactionID)
package sandboxtest

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/galaxypay-sidecar/caddy-galaxypay/sandbox"
)

// Server is a sandbox on a free port of 127.0.0.1. It shares nothing with another one.
type Server struct {
	URL    string // such as http://127.0.0.1:34567
	APIKey string // no two servers have the same
	Salt   string

	ctx     context.Context // ends with the server
	server  *http.Server
	handler *sandbox.Handler
	release context.CancelFunc
	client  *http.Client
}

// New starts a sandbox that ends with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	s, err := Start()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Start starts a sandbox that ends with Close.
func Start() (*Server, error) {
	ctx, release := caddy.NewContext(caddy.Context{Context: context.Background()})
	s := &Server{
		APIKey:  rand.Text(),
		Salt:    "GO@2021", // of the gateway's published examples
		ctx:     ctx,
		release: release,
		client:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	s.handler = &sandbox.Handler{APIKey: s.APIKey, Salt: s.Salt}
	if err := s.handler.Provision(ctx); err != nil {
		return nil, errors.Join(err, s.end())
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	s.URL = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }() // until Close
	return s, nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	_ = s.handler.ServeHTTP(w, r, nil) // the sandbox answers every error itself
}

// Close ends the sandbox, with every connection and every IPN that is still to come.
func (s *Server) Close() error { return errors.Join(s.server.Close(), s.end()) }

func (s *Server) end() error {
	s.release()
	return s.handler.Cleanup()
}
