package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"flag"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	salt   = "GO@2021" // the one of the examples in the gateway's documents
	apiKey = "bench"

	// payPath is where every variant is called: it is the path of pay at the gateway, and at the sidecar too.
	payPath = "/api/v1/transaction/pay"

	// unwrappedID is the requestID of the answer to a body without an envelope.
	unwrappedID = "00000000000000000000000000000000"

	// responseData is what an answer says of the payment.
	responseData = `{"transactionID":"2211210123456789012345678901","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e",` +
		`"endpoint":"https://uat-secure.galaxypay.vn/checkout/2211210123456789012345678901"}`
)

// largeBody is the least body, in bytes, that the option -delay holds back.
const largeBody = 16 << 10

// mustBeSigned marks the bodies of which the stub checks the signature. It does not do so under load, since the work
// would count against the variants that sign.
var mustBeSigned = []byte("signed, please")

// stub takes the place of the gateway, with as little work as possible, so that the load measures what is in front of it:
// it reads just enough HTTP/1.1 and signs its answers, which are the same for every payment.
type stub struct {
	delay   time.Duration // before it answers
	delayed int           // the least body, in bytes, whose answer it delays

	calls  atomic.Int64
	atWork atomic.Int64
	most   atomic.Int64 // at work at once, so far
}

func runStub(ctx context.Context, args []string) error {
	s := stub{delayed: largeBody}
	flags := flag.NewFlagSet("stub", flag.ContinueOnError)
	listen := flags.String("listen", "", "")
	cert := flags.String("cert", "", "a PEM file with certificate and key, for TLS")
	flags.DurationVar(&s.delay, "delay", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *cert)
		if err != nil {
			return err
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	if err := s.serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *stub) serve(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go s.converse(conn)
	}
}

// converse answers the requests of one connection until it closes.
func (s *stub) converse(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 8<<10)
	var body, message, response []byte
	for {
		head, err := readHead(r)
		if err != nil {
			return
		}
		s.begin()
		if body, err = readBody(body, r, head.length); err == nil && head.length >= s.delayed {
			time.Sleep(s.delay)
		}
		message = appendAnswer(message[:0], body, head.signature)
		response = appendResponse(response[:0], message)
		s.atWork.Add(-1) // before the answer: the next call may follow it at once
		if err != nil {
			return
		}
		if _, err := conn.Write(response); err != nil {
			return
		}
		if head.last {
			return
		}
	}
}

// begin counts a call.
func (s *stub) begin() {
	s.calls.Add(1)
	now := s.atWork.Add(1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
}

// readBody reads a body into the room of an earlier one, if it is large enough.
func readBody(room []byte, r io.Reader, length int) ([]byte, error) {
	if cap(room) < length {
		room = make([]byte, length)
	}
	body := room[:length]
	_, err := io.ReadFull(r, body)
	return body, err
}

// head is what the stub reads of a request's header.
type head struct {
	length    int
	last      bool // the client closes the connection afterwards
	signature string
}

func readHead(r *bufio.Reader) (head, error) {
	var h head
	if _, err := r.ReadSlice('\n'); err != nil { // the request line
		return h, err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return h, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return h, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if h.length, err = strconv.Atoi(string(value)); err != nil {
				return h, err
			}
		case bytes.EqualFold(name, []byte("Connection")):
			h.last = bytes.EqualFold(value, []byte("close"))
		case bytes.EqualFold(name, []byte("signature")):
			h.signature = string(value)
		}
	}
}

// appendAnswer writes the gateway's message: requestID is repeated, as the gateway does.
func appendAnswer(dst, body []byte, signature string) []byte {
	code := "200"
	if bytes.Contains(body, mustBeSigned) && signature != "" && signature != sign(body) {
		code = "401" // any other than 200 will do
	}
	dst = append(dst, `{"requestID":"`...)
	dst = append(dst, requestID(body)...)
	dst = append(dst, `","responseDateTime":"20261121123138","responseCode":"`...)
	dst = append(dst, code...)
	dst = append(dst, `","responseMessage":"Transaction is successful.","responseData":`...)
	dst = append(dst, responseData...)
	return append(dst, '}')
}

func requestID(body []byte) []byte {
	_, rest, ok := bytes.Cut(body[:min(len(body), 100)], []byte(`"requestID":"`))
	id, _, closed := bytes.Cut(rest, []byte(`"`))
	if !ok || !closed {
		return []byte(unwrappedID)
	}
	return id
}

func appendResponse(dst, message []byte) []byte {
	dst = append(dst, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nsignature: "...)
	dst = append(dst, sign(message)...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(message)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, message...)
}

// sign is the gateway's signature: SHA-256 of the message and the salt behind it, in hex.
func sign(message []byte) string {
	h := sha256.New()
	h.Write(message)
	h.Write([]byte(salt))
	return hex.EncodeToString(h.Sum(nil))
}
