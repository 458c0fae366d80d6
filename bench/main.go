// Command bench measures the sidecar side by side with what might stand in its place: plain Caddy, a bare hop in Go,
// nginx with Lua, nothing at all; and the inbox with bare writes to the disk. It needs wrk; nginx with Lua and PostgreSQL are
// optional. See docs/performance.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are what the command line chooses.
type settings struct {
	duration time.Duration // of one load in one round; wrk counts in whole seconds
	rounds   int
	conns    []int
	requests int // of the memory section
	calls    int // of the handshake section
	writers  []int
	records  int // of the fullest inbox
	only     []string
	out      string
	profile  string
	smoke    bool
}

// judgedConns and judgedWriters are the numbers of connections, and of arrivals at once, that the targets are about.
const (
	judgedConns   = 32
	judgedWriters = 64
)

// section is a part of the report that can be run by itself.
type section struct {
	name string
	run  func(*bench, context.Context) error
	wrk  bool // it makes its calls with wrk
	runs bool // it runs the sidecar
}

var sections = []section{
	{name: "throughput", run: (*bench).throughput, wrk: true, runs: true},
	{name: "memory", run: (*bench).memory, wrk: true, runs: true},
	{name: "handshake", run: (*bench).handshake, runs: true},
	{name: "startup", run: (*bench).startup, runs: true},
	{name: "scale", run: (*bench).scale, wrk: true, runs: true},
	{name: "inbox", run: (*bench).inbox},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, os.Args[1:])
	if err != nil && ctx.Err() != nil {
		err = errors.New("interrupted") // what failed has failed of that
	}
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// start becomes one of the helper processes, where the first argument names one, else the benchmark.
func start(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "stub":
			return runStub(ctx, args[1:])
		case "hop":
			return runHop(ctx, args[1:])
		}
	}
	s, err := parseSettings(args)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	return b.run(ctx)
}

func parseSettings(args []string) (settings, error) {
	var s settings
	var only string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.DurationVar(&s.duration, "duration", 2*time.Second, "of one load in one round, in whole seconds")
	flags.IntVar(&s.rounds, "rounds", 5, "how often each load is run")
	flags.IntVar(&s.requests, "requests", 1_000_000, "requests before memory is compared")
	flags.IntVar(&s.calls, "calls", 50, "calls of the stateless app, with the sidecar and without")
	flags.IntVar(&s.records, "records", 1_000_000, "records of the fullest inbox")
	flags.StringVar(&only, "only", "", "sections to run, separated by commas: "+sectionNames())
	flags.StringVar(&s.out, "out", "", "file to write the figures to, as JSON")
	flags.StringVar(&s.profile, "profile", "", "file to write a CPU profile of the sidecar under load to; runs nothing else")
	flags.BoolVar(&s.smoke, "smoke", false, "only try whether everything works, as fast as it can; its timings mean nothing")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.conns, s.writers = []int{1, judgedConns, 256}, []int{1, 16, judgedWriters}
	if s.smoke {
		s.duration, s.rounds, s.conns, s.requests, s.calls = time.Second, 1, []int{judgedConns}, 1000, 3
		s.writers, s.records = []int{judgedWriters}, 1000
	}
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	for _, name := range s.only {
		if !slices.ContainsFunc(sections, func(sec section) bool { return sec.name == name }) {
			return s, fmt.Errorf("-only: no section %q; there are %s", name, sectionNames())
		}
	}
	if s.duration < time.Second || s.rounds < 1 || s.requests < 1 || s.calls < 1 || s.records < 10 || flags.NArg() > 0 {
		return s, errors.New("expected -duration of at least 1s, counts above zero, -records of at least 10, and no arguments")
	}
	return s, nil
}

// sectionNames is spelled out: a variable that lists its own parser would be an initialisation cycle.
func sectionNames() string { return "throughput, memory, handshake, startup, scale, inbox" }

// chosen are the sections to run.
func (s *settings) chosen() []section {
	if len(s.only) == 0 {
		return sections
	}
	return slices.DeleteFunc(slices.Clone(sections), func(sec section) bool { return !slices.Contains(s.only, sec.name) })
}

// run runs the sections and prints the report.
func (b *bench) run(ctx context.Context) error {
	if b.profile != "" {
		return b.writeProfile(ctx)
	}
	for _, sec := range b.chosen() {
		progress("section %s", sec.name)
		if err := sec.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", sec.name, err)
		}
		b.stopChildren()
	}
	fmt.Print(b.report.markdown())
	if b.out == "" {
		return nil
	}
	return b.report.writeJSON(b.out)
}

// progress tells on standard error what is going on; the report alone is on standard output.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// procs is the number of processors that every process under measurement may use.
func procs() int { return runtime.NumCPU() }
