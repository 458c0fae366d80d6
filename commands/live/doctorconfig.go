package live

import (
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// Facts is what the core makes of the global option of a configuration.
type Facts struct {
	Merchants []Merchant

	// StoreEngine is sqlite or postgres; "" for no store. StoreName is the file, or the database without a password.
	StoreEngine, StoreName string
	// StoreError says why the store's options are refused.
	StoreError string
}

// Merchant is what is known of a merchant. It holds no secret.
type Merchant struct {
	Name        string
	Environment string
	Gateway     string // the address
	Error       string // why it is refused, "" where it is not

	SaltLength   int
	IsPublished  bool // its salt is the one of the gateway's documents
	IsEncoded    bool // its salt looks like the Base64 of another text
	IsLiteral    bool // a secret is written in the configuration
	OwnTransport bool // the connection to the gateway has options of its own
}

// configuration is what doctor looks at in an adapted configuration.
type configuration struct {
	app      json.RawMessage // of galaxypay
	sites    []site
	hasInbox bool     // a galaxypay_ipn has one
	ipnURLs  []string // the defaults of galaxypay handlers
}

// site is one site of a server.
type site struct {
	name     string
	handlers []string // their names, with those inside of others
}

func (s site) has(names ...string) bool {
	return slices.ContainsFunc(s.handlers, func(handler string) bool { return slices.Contains(names, handler) })
}

// checkConfiguration loads a configuration, as "caddy validate" does. It returns what can be examined further.
func (d *diagnosis) checkConfiguration(file, adapter string) (*configuration, bool) {
	const name = "configuration"
	repair := both("Correct it; caddy adapt and caddy validate say the same.", "Hãy sửa lại; caddy adapt và caddy validate cũng báo như vậy.")
	adapted, _, _, err := caddycmd.LoadConfig(file, adapter)
	if err != nil {
		d.add(name, file, fail, both("it cannot be adapted: %v", "không chuyển đổi được: %v", err), repair)
		return nil, false
	}
	parts, err := readConfiguration(adapted)
	if err != nil {
		d.add(name, file, fail, both("it is no configuration of Caddy: %v", "không phải cấu hình của Caddy: %v", err), repair)
		return nil, false
	}
	if parts.app == nil {
		d.add(name, file, fail, both("it has no global option galaxypay", "không có tùy chọn toàn cục galaxypay"),
			both("Add it: docs/configuration.md has an example.", "Hãy thêm vào: docs/configuration.md có ví dụ."))
		return nil, false
	}
	if err := validate(adapted); err != nil {
		d.add(name, file, fail, both("it does not load: %v", "không nạp được: %v", err), repair)
		return parts, true
	}
	d.add(name, file, pass, both("it loads", "nạp được"), nothing)
	return parts, true
}

// validate loads every module of a configuration and starts none. Logs are exchanged for one that is not written, and storage for
// a folder that is removed, since a doctor changes nothing.
func validate(adapted []byte) error {
	var config caddy.Config
	if err := caddy.StrictUnmarshalJSON(adapted, &config); err != nil {
		return err
	}
	config.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}},
	}}
	folder, err := os.MkdirTemp("", "galaxypay-doctor")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if config.StorageRaw, err = json.Marshal(map[string]string{"module": "file_system", "root": folder}); err != nil {
		return err
	}
	return caddy.Validate(&config)
}

// readConfiguration finds the parts of an adapted configuration that doctor examines.
func readConfiguration(adapted []byte) (*configuration, error) {
	var root struct {
		Apps struct {
			Galaxypay json.RawMessage `json:"galaxypay"`
			HTTP      struct {
				Servers map[string]struct {
					Listen []string          `json:"listen"`
					Routes []json.RawMessage `json:"routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(adapted, &root); err != nil {
		return nil, err
	}
	found := &configuration{app: root.Apps.Galaxypay}
	for _, server := range root.Apps.HTTP.Servers {
		named := strings.Join(server.Listen, ", ")
		bare := site{name: named} // what stands in no site of its own
		for _, route := range server.Routes {
			hosts, handlers := found.readRoute(route)
			if len(hosts) == 0 {
				bare.handlers = append(bare.handlers, handlers...)
				continue
			}
			found.sites = append(found.sites, site{strings.Join(hosts, ", "), handlers})
		}
		found.sites = append(found.sites, bare)
	}
	slices.SortFunc(found.sites, func(a, b site) int { return strings.Compare(a.name, b.name) })
	slices.Sort(found.ipnURLs)
	found.ipnURLs = slices.Compact(found.ipnURLs)
	return found, nil
}

// readRoute returns the hosts of a route of a server, and the handlers in it.
func (found *configuration) readRoute(raw json.RawMessage) (hosts, handlers []string) {
	var route struct {
		Match []struct {
			Host []string `json:"host"`
		} `json:"match"`
	}
	_ = json.Unmarshal(raw, &route) // a route that is none has no hosts; validate says so
	for _, match := range route.Match {
		hosts = append(hosts, match.Host...)
	}
	var all any
	_ = json.Unmarshal(raw, &all)
	found.walk(all, &handlers)
	return hosts, handlers
}

// walk looks at every object of a route that is a handler.
func (found *configuration) walk(value any, handlers *[]string) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			found.walk(element, handlers)
		}
	case map[string]any:
		if name, ok := value["handler"].(string); ok {
			*handlers = append(*handlers, name)
			found.note(name, value)
		}
		for name, member := range value {
			if name != "inbox" { // its handlers get events, not requests
				found.walk(member, handlers)
			}
		}
	}
}

// note keeps what a handler of ours says.
func (found *configuration) note(name string, handler map[string]any) {
	switch name {
	case "galaxypay_ipn":
		found.hasInbox = found.hasInbox || handler["inbox"] != nil
	case "galaxypay":
		defaults, _ := handler["defaults"].(map[string]any)
		if address, ok := defaults["ipnURL"].(string); ok {
			found.ipnURLs = append(found.ipnURLs, caddy.NewReplacer().ReplaceAll(address, ""))
		}
	}
}
