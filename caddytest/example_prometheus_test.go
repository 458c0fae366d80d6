package caddytest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// scraped is one series of a scrape.
type scraped struct {
	name   string
	labels map[string]string
}

var (
	scrapedLine   = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`)
	scrapedLabel  = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
	queriedSeries = regexp.MustCompile(`\b(caddy_galaxypay_[a-z_]+)(?:\{([^}]*)\})?`)
	queriedLabel  = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"([^"]*)"`)
	groupedBy     = regexp.MustCompile(`\bby \(([a-z_, ]+)\)`)
)

// scrape returns the sidecar's own series.
func scrape(text string) (all []scraped) {
	for _, line := range scrapedLine.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(line[1], "caddy_galaxypay_") {
			continue
		}
		s := scraped{line[1], make(map[string]string)}
		for _, label := range scrapedLabel.FindAllStringSubmatch(line[2], -1) {
			s.labels[label[1]] = label[2]
		}
		all = append(all, s)
	}
	return all
}

// fits reports whether a query's selector takes the series. A label that the series does not have fits nothing.
func (s scraped) fits(selector []string) bool {
	if s.name != selector[1] {
		return false
	}
	for _, m := range queriedLabel.FindAllStringSubmatch(selector[2], -1) {
		value, found := s.labels[m[1]]
		if !found || m[3] != "$merchant" && !fitsLabel(value, m[2], m[3]) {
			return false
		}
	}
	return true
}

func fitsLabel(value, operator, want string) bool {
	switch operator {
	case "=":
		return value == want
	case "!=":
		return value != want
	case "=~":
		return regexp.MustCompile(`^(?:` + want + `)$`).MatchString(value)
	default:
		return !regexp.MustCompile(`^(?:` + want + `)$`).MatchString(value)
	}
}

// scrapeOfEverything is the scrape of a sidecar with a store and an inbox, after calls with each outcome.
func scrapeOfEverything(t *testing.T) string {
	t.Helper()
	g, app := newGateway(t), newApp(t)
	s := sidecar{start(t, `
		{
			galaxypay {
				`+g.merchant(t)+`
				store sqlite `+inboxFile(t)+`
			}
		}
		http://:9180 {
			galaxypay
		}
		http://:9181 {
			galaxypay_ipn {
				inbox {
					deliver_to http://`+app.address+`/payments/ipn
				}
			}
		}
		http://:9182 {
			metrics
		}
		`), g}
	s.call(t, "/pay", payment)
	s.call(t, "/pay", "[]")
	s.post(t, s.url("9181")+"/ipn", "{}")
	g.replies(func(c *call) []byte { return g.refusal(c, "400") })
	s.call(t, "/pay", payment)
	g.replies(func(*call) []byte { return nil })
	s.call(t, "/pay", payment)
	return s.metrics(t, "9182")
}

func readPrometheusExample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "prometheus", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), `\"`, `"`) // of the dashboard, whose queries are texts in JSON
}

// Every series that the alerts and the dashboard ask for is in a scrape, with the labels and the values that they name.
func TestPrometheusExampleNamesWhatExists(t *testing.T) {
	series := scrape(scrapeOfEverything(t))
	for file, least := range map[string]int{"rules.yml": 20, "dashboard.json": 18} {
		text := readPrometheusExample(t, file)
		selectors := queriedSeries.FindAllStringSubmatch(text, -1)
		if len(selectors) < least {
			t.Errorf("%s has %d selectors, expected at least %d", file, len(selectors), least)
		}
		for _, selector := range selectors {
			if !slices.ContainsFunc(series, func(s scraped) bool { return s.fits(selector) }) {
				t.Errorf("%s asks for %s, and no series is like that", file, selector[0])
			}
		}
		for _, by := range groupedBy.FindAllStringSubmatch(text, -1) {
			for label := range strings.SplitSeq(by[1], ", ") {
				if !slices.ContainsFunc(series, func(s scraped) bool { return s.labels[label] != "" }) {
					t.Errorf("%s groups by %s, and no series has this label", file, label)
				}
			}
		}
	}
}

// The table of the documentation has every series of a scrape, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	var documented, found []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(caddy_galaxypay_[a-z_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[1])
	}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (caddy_galaxypay_[a-z_]+) `).FindAllStringSubmatch(scrapeOfEverything(t), -1) {
		found = append(found, line[1])
	}
	slices.Sort(documented)
	slices.Sort(found)
	if !slices.Equal(documented, found) {
		t.Errorf("docs/configuration.md has\n%s\nand a scrape has\n%s", strings.Join(documented, "\n"), strings.Join(found, "\n"))
	}
}
