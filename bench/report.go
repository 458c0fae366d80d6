package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// report is what a run found, for people and for programs.
type report struct {
	Date    string         `json:"date"`
	Machine string         `json:"machine"`
	Command string         `json:"command"`
	Tables  []*table       `json:"tables"`
	Targets []target       `json:"targets"`
	Samples map[string]any `json:"samples"` // the raw figures by section
}

type table struct {
	Title  string     `json:"title"`
	Header []string   `json:"header"`
	Rows   [][]string `json:"rows"`
	Note   string     `json:"note,omitempty"`
}

// target is what was promised and what came of it.
type target struct {
	What     string  `json:"what"`
	Limit    float64 `json:"limit"`
	AtLeast  bool    `json:"atLeast"` // else at most
	Measured float64 `json:"measured"`
	Met      bool    `json:"met"`
}

func newReport(ctx context.Context) *report {
	return &report{
		Date:    time.Now().Format("2006-01-02 15:04 MST"),
		Machine: machine(ctx),
		Command: strings.Join(append([]string{"go run ./bench"}, os.Args[1:]...), " "),
		Samples: make(map[string]any),
	}
}

func (r *report) table(title string, header ...string) *table {
	t := &table{Title: title, Header: header}
	r.Tables = append(r.Tables, t)
	return t
}

func (t *table) row(cells ...string) { t.Rows = append(t.Rows, cells) }

func (r *report) atLeast(limit float64, what string, measured float64) {
	r.Targets = append(r.Targets, target{what, limit, true, measured, measured >= limit})
}

func (r *report) atMost(limit float64, what string, measured float64) {
	r.Targets = append(r.Targets, target{what, limit, false, measured, measured <= limit})
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s.\nCommand: `%s`\n", r.Date, r.Machine, r.Command)
	for _, t := range r.Tables {
		t.markdown(&b)
	}
	if len(r.Targets) == 0 {
		return b.String()
	}
	targets := table{Title: "Targets", Header: []string{"target", "limit", "measured", ""}}
	for _, g := range r.Targets {
		targets.row(g.What, g.limit(), fmt.Sprintf("%.2f", g.Measured), g.verdict())
	}
	targets.markdown(&b)
	return b.String()
}

func (g *target) limit() string {
	if g.AtLeast {
		return fmt.Sprintf("at least %.2f", g.Limit)
	}
	return fmt.Sprintf("at most %.2f", g.Limit)
}

func (g *target) verdict() string {
	if g.Met {
		return "met"
	}
	return fmt.Sprintf("**missed by %.0f %%**", 100*max(g.Measured/g.Limit-1, 1-g.Measured/g.Limit))
}

func (t *table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n", t.Title)
	fmt.Fprintf(b, "| %s |\n", strings.Join(t.Header, " | "))
	fmt.Fprintf(b, "|%s%s\n", "---|", strings.Repeat("---:|", len(t.Header)-1))
	for _, cells := range t.Rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	if t.Note != "" {
		fmt.Fprintf(b, "\n%s\n", t.Note)
	}
}

func (r *report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// mib writes bytes as MiB.
func mib[N int64 | float64](bytes N) string { return fmt.Sprintf("%.1f", float64(bytes)/(1<<20)) }
