// Command bench measures the sidecar side by side with its alternatives: plain Caddy, a minimal proxy in Go,
// nginx with Lua, nothing at all; under much load and under little; with and without a ledger; and the inbox with bare writes to the disk. It also offers the sidecar more calls than it
// lets in, and checks what becomes of them. It needs wrk; nginx with Lua and PostgreSQL are optional. See docs/performance.md
// and docs/reliability.md.
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
	duration     time.Duration // of one load in one round; wrk counts in whole seconds
	rounds       int
	conns        []int
	requests     int // of the memory section
	calls        int // of the handshake section
	writers      []int
	records      int           // of the fullest inbox
	overloadTime time.Duration // how long the overload section offers calls
	overloadBody int           // bytes of each of them
	only         []string
	out          string
	profile      string
	smoke        bool
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
	{name: "ledger", run: (*bench).ledger, wrk: true, runs: true},
	{name: "overload", run: (*bench).overload, runs: true},
	{name: "small", run: (*bench).small, runs: true},
	{name: "callbacks", run: (*bench).callbacks, runs: true},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, os.Args[1:])
	if err != nil && ctx.Err() != nil {
		err = errors.New("interrupted") // every other error is a consequence
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

// start runs one of the helper processes, if the first argument names one, else the benchmark.
func start(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "stub":
			return runStub(ctx, args[1:])
		case "minimalproxy":
			return runMinimalProxy(ctx, args[1:])
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
	flags.DurationVar(&s.overloadTime, "overload-time", time.Minute, "how long the overload section offers too many calls")
	flags.IntVar(&s.overloadBody, "overload-body", 60<<10, "bytes of each of these calls")
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
		s.overloadTime, s.overloadBody = time.Second, 1<<10
	}
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	for _, name := range s.only {
		if !slices.ContainsFunc(sections, func(sec section) bool { return sec.name == name }) {
			return s, fmt.Errorf("-only: no section %q; there are %s", name, sectionNames())
		}
	}
	return s, s.check(flags.NArg())
}

// check refuses values that no section can use.
func (s *settings) check(args int) error {
	if s.duration < time.Second || s.rounds < 1 || s.requests < 1 || s.calls < 1 || s.records < 10 || args > 0 {
		return errors.New("expected -duration of at least 1s, counts above zero, -records of at least 10, and no arguments")
	}
	if s.overloadTime < time.Second || s.overloadBody < 1<<10 {
		return errors.New("expected -overload-time of at least 1s and -overload-body of at least 1024")
	}
	return nil
}

// sectionNames is spelled out: a variable that lists its own parser would be an initialisation cycle.
func sectionNames() string {
	return "throughput, memory, handshake, startup, scale, inbox, ledger, overload, small, callbacks"
}

// chosen are the sections to run.
func (s *settings) chosen() []section {
	if len(s.only) == 0 {
		return sections
	}
	return slices.DeleteFunc(slices.Clone(sections), func(sec section) bool { return !slices.Contains(s.only, sec.name) })
}

// run runs the sections and prints the report, also of a run that ends with an error: it has what was measured before.
func (b *bench) run(ctx context.Context) error {
	if b.profile != "" {
		return b.writeProfile(ctx)
	}
	err := b.runSections(ctx)
	fmt.Print(b.report.markdown())
	if b.out != "" {
		err = errors.Join(err, b.report.writeJSON(b.out))
	}
	return err
}

func (b *bench) runSections(ctx context.Context) error {
	for _, sec := range b.chosen() {
		progress("section %s", sec.name)
		if err := sec.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", sec.name, err)
		}
		b.stopChildren()
	}
	return nil
}

// progress writes to standard error what is going on; only the report goes to standard output.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// procs is the number of processors that every process under measurement may use.
func procs() int { return runtime.NumCPU() }
