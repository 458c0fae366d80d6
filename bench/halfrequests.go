package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	halfCount     = 400      // connections with a body that does not come
	halfAnnounced = 1 << 20  // bytes that each announces; max_body of the sidecar
	halfArrives   = 100      // bytes that each sends
	halfMemory    = 20 << 20 // the most resident memory that they may cost, in bytes
	halfPayments  = 8        // payments at once beside them, ten times
)

// halfRequests opens connections that announce a body and send little of it, more of them than max_in_flight, and checks that they
// cost no memory and that every payment beside them is made.
func (b *bench) halfRequests(ctx context.Context) error {
	_, addr, err := startStub(ctx)
	if err != nil {
		return err
	}
	sidecar, err := b.sidecarWith(ctx, "http://"+addr, "\tlog {\n\t\tlevel ERROR\n\t}\n", fmt.Sprintf("\t\tmax_body %d", halfAnnounced))
	if err != nil {
		return err
	}
	if err := check(ctx, sidecar.url(), true); err != nil {
		return err
	}
	clients, err := newClients(sidecar.url(), b.overloadBody)
	if err != nil {
		return err
	}
	h := &halves{overloaded: overloaded{sidecar: sidecar, clients: clients}}
	if err := h.run(ctx); err != nil {
		return err
	}
	h.report(b.report)
	return h.verdict()
}

// halves is a sidecar beside half requests, and what came of it.
type halves struct {
	overloaded
	held state // while they are open
}

func (h *halves) run(ctx context.Context) (err error) {
	h.clients.together(ctx, halfPayments) // opens what the sidecar keeps open from then on
	if h.before, err = h.state(ctx); err != nil {
		return err
	}
	h.clients.forget()
	if err := forgetPeak(h.sidecar.pid()); err != nil {
		return err
	}
	ctx, end := context.WithTimeout(ctx, 25*time.Second) // after 30 s the sidecar ends them
	defer end()
	progress("%d half requests, and payments beside them", halfCount)
	for range halfCount {
		conn, err := h.begin(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
	}
	for h.held.goroutines < h.before.goroutines+halfCount {
		if h.held, err = h.state(ctx); err != nil {
			return fmt.Errorf("waiting until the half requests are read: %w", errors.Join(err, ctx.Err()))
		}
	}
	h.clients.together(ctx, halfPayments)
	h.during = h.clients.forget()
	h.peak.resident, err = memoryOf(h.sidecar.pid(), "VmHWM")
	return err
}

// begin opens a connection and sends the head of a payment and a part of its body.
func (h *halves) begin(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.sidecar.addr)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(conn, fmt.Sprintf(
		"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{%s",
		payPath, halfAnnounced, strings.Repeat(" ", halfArrives-1)))
	return conn, err
}

// grown is the resident memory that the half requests cost at most, the payments beside them included.
func (h *halves) grown() int64 { return h.peak.resident - h.before.resident }

func (h *halves) report(r *report) {
	t := r.table(fmt.Sprintf("%d connections that announce %d KiB and send %d bytes", halfCount, halfAnnounced>>10, halfArrives), "", "")
	t.row("payments beside them", fmt.Sprintf("%d of %d succeed", h.during.ok, h.during.all()))
	t.row("answered otherwise", strings.TrimSpace(fmt.Sprint(h.during.refused+h.during.other, " ", h.during.example)))
	t.row("resident: before, at most", fmt.Sprintf("%s, %s MiB", mib(h.before.resident), mib(h.peak.resident)))
	t.row("heap in use: before, while they are open", fmt.Sprintf("%s, %s MiB", mib(h.before.heap), mib(h.held.heap)))
	r.atMost(float64(halfMemory)/(1<<20), "resident memory for half requests, MiB", float64(h.grown())/(1<<20))
}

// verdict names everything that is not as the documents promise.
func (h *halves) verdict() error {
	return errors.Join(
		unless(h.during.all() > 0 && h.during.ok == h.during.all(), "a payment beside half requests did not succeed"),
		unless(h.grown() <= halfMemory, "half requests cost too much memory"),
	)
}
