package main

import (
	"context"
	"fmt"
	"net"
	"strings"
)

// scale shows what does not grow, with the number of merchants, and what grows in proportion, with the body.
func (b *bench) scale(ctx context.Context) error {
	gateway, err := b.gateway(ctx)
	if err != nil {
		return err
	}
	base := "http://" + gateway.addr
	if err := b.merchants(ctx, base); err != nil {
		return err
	}
	return b.bodies(ctx, base)
}

const manyMerchants = 1000

// merchants loads one merchant's site, in a configuration of one and in one of a thousand.
func (b *bench) merchants(ctx context.Context, gateway string) error {
	one, err := b.sidecarOf(ctx, gateway, 1)
	if err != nil {
		return err
	}
	many, err := b.sidecarOf(ctx, gateway, manyMerchants)
	if err != nil {
		return err
	}
	file, err := b.bodyFile(usualBodyBytes)
	if err != nil {
		return err
	}
	servers := []*server{one, many}
	samples := make([][]sample, len(servers))
	for round := range b.rounds {
		progress("merchants, round %d of %d", round+1, b.rounds)
		for i := range servers {
			which := (i + round) % len(servers)
			s, err := b.sample(ctx, servers[which], file, judgedConns)
			if err != nil {
				return err
			}
			samples[which] = append(samples[which], s)
		}
	}
	t := b.report.table(fmt.Sprintf("Merchants, %d connections", judgedConns), "merchants", "calls/s", "x one merchant", "CPU µs/call")
	for i, count := range []int{1, manyMerchants} {
		t.row(fmt.Sprint(count), fmt.Sprintf("%.0f", median(column(samples[i], perSecond))),
			fmt.Sprintf("%.2f", medianOfRatios(column(samples[i], perSecond), column(samples[0], perSecond))),
			fmt.Sprintf("%.0f", median(column(samples[i], processorUse))))
		b.report.Samples[fmt.Sprintf("scale/merchants/%d", count)] = samples[i]
	}
	one.stop()
	many.stop()
	return nil
}

// sidecarOf starts a sidecar for many merchants, each with a site at a loopback address of its own, and calls each
// once, so that all have left their traces, in the metrics for one. The address is that of the merchant in the middle.
func (b *bench) sidecarOf(ctx context.Context, gateway string, count int) (*server, error) {
	free, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(free)
	if err != nil {
		return nil, err
	}
	options, sites := new(strings.Builder), new(strings.Builder)
	addrs := make([]string, count)
	options.WriteString("\tmetrics\n\tgalaxypay {\n")
	for i := range count {
		host := fmt.Sprintf("127.0.%d.%d", 1+i/250, 1+i%250)
		addrs[i] = net.JoinHostPort(host, port)
		fmt.Fprintf(options, "\tmerchant m%d {\n\t%s\t}\n", i, merchantOptions(gateway))
		fmt.Fprintf(sites, "http://%s {\n\tbind %s\n\tgalaxypay {\n\t\tmerchant m%d\n\t}\n}\n", addrs[i], host, i)
	}
	options.WriteString("\t}\n")
	s, err := b.caddyAt(ctx, b.caddy, addrs[count/2], options.String(), sites.String())
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		if err := s.await(ctx, addr); err != nil {
			return nil, err
		}
		if err := check(ctx, "http://"+addr+payPath, true); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// bodies loads the sidecar with ever larger bodies, up to the largest that it takes by default.
func (b *bench) bodies(ctx context.Context, gateway string) error {
	s, err := b.sidecar(ctx, gateway, "")
	if err != nil {
		return err
	}
	sizes := []int{256, 1 << 10, 4 << 10, 16 << 10, 64 << 10}
	samples := make([][]sample, len(sizes))
	for round := range b.rounds {
		progress("bodies, round %d of %d", round+1, b.rounds)
		for i, size := range sizes {
			file, err := b.bodyFile(size)
			if err != nil {
				return err
			}
			one, err := b.sample(ctx, s, file, judgedConns)
			if err != nil {
				return err
			}
			samples[i] = append(samples[i], one)
		}
	}
	t := b.report.table(fmt.Sprintf("Body size, %d connections", judgedConns),
		"bytes", "calls/s", "CPU µs/call", fmt.Sprintf("CPU ns for each byte above %d", sizes[0]))
	smallest := median(column(samples[0], processorUse))
	for i, size := range sizes {
		use := median(column(samples[i], processorUse))
		perByte := ""
		if more := size - sizes[0]; more > 0 {
			perByte = fmt.Sprintf("%.2f", (use-smallest)*1000/float64(more))
		}
		t.row(fmt.Sprint(size), fmt.Sprintf("%.0f", median(column(samples[i], perSecond))), fmt.Sprintf("%.0f", use), perByte)
		b.report.Samples[fmt.Sprintf("scale/bodies/%d", size)] = samples[i]
	}
	return nil
}
