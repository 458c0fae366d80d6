package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"time"
)

// handshake measures what an app gains that starts from nothing with every request, as PHP does: if it calls the gateway
// itself, it opens a connection, with a TLS handshake, for each call, where the sidecar has one open.
func (b *bench) handshake(ctx context.Context) error {
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	file, err := b.write("gateway.pem", certificate)
	if err != nil {
		return err
	}
	gateway, err := b.gateway(ctx, "-cert", file)
	if err != nil {
		return err
	}
	distance, err := newRelay(ctx, gateway.addr)
	if err != nil {
		return err
	}
	defer distance.close()
	sidecar, err := b.sidecar(ctx, "https://"+distance.addr(),
		fmt.Sprintf("\t\ttransport http {\n\t\t\ttls_trust_pool file %s\n\t\t}", file))
	if err != nil {
		return err
	}
	if err := check(ctx, sidecar.url(), true); err != nil {
		return err
	}
	direct, with, err := b.statelessCalls(ctx, "https://"+distance.addr()+payPath, sidecar.url(), certificate)
	if err != nil {
		return err
	}
	t := b.report.table(fmt.Sprintf("An app without connections of its own, gateway %d ms away over TLS 1.3", roundTrip.Milliseconds()),
		"call", "median ms")
	t.row("to the gateway directly", fmt.Sprintf("%.1f", median(direct)))
	t.row("through the sidecar", fmt.Sprintf("%.1f", median(with)))
	t.Note = "The limit of the ratio is 3: TCP, TLS and the call itself take a round trip each."
	b.report.Samples["handshake"] = map[string][]float64{"direct": direct, nameSidecar: with}
	b.report.atLeast(2.5, "direct call x through the sidecar", medianOfRatios(direct, with))
	return nil
}

// statelessCalls makes one call of each kind in turns, every time on a new connection; in milliseconds.
func (b *bench) statelessCalls(ctx context.Context, gatewayURL, sidecarURL, certificate string) (direct, with []float64, err error) {
	body, err := payBody(usualBodyBytes)
	if err != nil {
		return nil, nil, err
	}
	for range b.calls {
		took, err := statelessCall(ctx, certificate, gatewayURL, body)
		if err != nil {
			return nil, nil, err
		}
		direct = append(direct, took)
		if took, err = statelessCall(ctx, certificate, sidecarURL, body); err != nil {
			return nil, nil, err
		}
		with = append(with, took)
	}
	return direct, with, nil
}

func statelessCall(ctx context.Context, certificate, url, body string) (float64, error) {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(certificate))
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
	}}
	started := time.Now()
	_, err := post(ctx, client, url, body)
	return float64(time.Since(started).Microseconds()) / 1000, err
}

// selfSigned is a certificate for loopback and its key, as PEM. It lives as long as the run's folder.
func selfSigned() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for kind, block := range map[string][]byte{"CERTIFICATE": certificate, "PRIVATE KEY": private} {
		if err := pem.Encode(&text, &pem.Block{Type: kind, Bytes: block}); err != nil {
			return "", err
		}
	}
	return text.String(), nil
}
