package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// salt is the one of the gateway's published examples.
const salt = "GO@2021"

// gateway answers every call with success after a fixed time, and counts.
type gateway struct {
	url    string
	server *http.Server
	calls  atomic.Int64
	now    atomic.Int64
	most   atomic.Int64 // at once
}

func newGateway(ctx context.Context, service time.Duration) (*gateway, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gateway{url: "http://" + listener.Addr().String()}
	g.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.calls.Add(1)
		g.count(g.now.Add(1))
		var message struct {
			RequestID string `json:"requestID"`
		}
		text, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(text, &message) // an answer without the id fails at the sidecar
		time.Sleep(service)
		body := fmt.Sprintf(`{"requestID":%q,"responseDateTime":"20260102030405","responseCode":"200","responseMessage":"Success","responseData":{"transactionStage":"SUCCESSFUL"}}`, message.RequestID)
		sum := sha256.Sum256([]byte(body + salt))
		w.Header().Set("signature", hex.EncodeToString(sum[:]))
		g.now.Add(-1) // before the answer: the next call may follow it at once
		_, _ = io.WriteString(w, body)
	})}
	go func() { _ = g.server.Serve(listener) }()
	return g, nil
}

// count keeps the highest number of calls at once.
func (g *gateway) count(now int64) {
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
	}
}

func (g *gateway) close() { _ = g.server.Close() }
