package galaxypay

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
	"github.com/galaxypay-sidecar/caddy-galaxypay/problem"
)

// gatewayPath is the shape of a path that may be sent to the gateway without
// being in the catalogue. Without dots and escapes a caller cannot climb out of
// /api/v1/ into other parts of the gateway's site.
var gatewayPath = regexp.MustCompile(`^/api/v1(/[A-Za-z0-9_-]+)+$`)

// routes maps the paths that an app may call to operations.
type routes struct {
	byPath  map[string][]operation.Operation
	folded  map[string]bool // the paths in lower case: a gateway may not care for case
	allowed map[string]bool // nil: every operation, other included
}

// newRoutes lays out the catalogue with the operator's own paths, and closes every
// operation that is not in allowed, where there is such a list.
func newRoutes(paths map[string]string, allowed []string) (*routes, error) {
	known := operation.Names()
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("path: unknown operation %q; known are %s", name, strings.Join(known, ", "))
		}
		if !strings.HasPrefix(paths[name], "/") || strings.ContainsAny(paths[name], "?#% ") || strings.Contains(paths[name], "..") {
			return nil, fmt.Errorf("path %s: expected a plain absolute path such as /api/v1/transaction/%s", name, name)
		}
	}

	rt := &routes{byPath: make(map[string][]operation.Operation), folded: make(map[string]bool)}
	for _, op := range operation.All() {
		documented := op.Path
		if p, ok := paths[op.Name]; ok {
			op.Path = p
		}
		rt.byPath["/"+op.Name] = []operation.Operation{op}
		rt.byPath[documented] = append(rt.byPath[documented], op)
	}
	if err := rt.addPaths(paths); err != nil {
		return nil, err
	}
	for path := range rt.byPath {
		rt.folded[strings.ToLower(path)] = true
	}
	return rt, rt.restrict(allowed)
}

// addPaths adds the operator's own paths. Operations that share a documented path,
// and so can be distinguished by their fixed fields, may share another one too.
func (rt *routes) addPaths(paths map[string]string) error {
	documented := make(map[string]string)
	for _, op := range operation.All() {
		documented[op.Name] = op.Path
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		path, op := paths[name], rt.byPath["/"+name][0]
		for _, other := range rt.byPath[path] {
			if documented[other.Name] != documented[name] {
				return fmt.Errorf("path %s: %s is the path of %s", name, path, other.Name)
			}
		}
		if !slices.ContainsFunc(rt.byPath[path], func(o operation.Operation) bool { return o.Name == name }) {
			rt.byPath[path] = append(rt.byPath[path], op)
		}
	}
	return nil
}

func (rt *routes) restrict(names []string) error {
	if len(names) == 0 {
		return nil
	}
	rt.allowed = make(map[string]bool, len(names))
	for _, name := range names {
		if name != operation.Other && !slices.Contains(operation.Names(), name) {
			return fmt.Errorf("operations: unknown operation %q; known are %s, %s",
				name, strings.Join(operation.Names(), ", "), operation.Other)
		}
		rt.allowed[name] = true
	}
	return nil
}

// at returns the operations that a request to path may be, none if there is
// nothing at that path.
func (rt *routes) at(path string) []operation.Operation {
	if ops, ok := rt.byPath[path]; ok {
		return ops
	}
	if gatewayPath.MatchString(path) && !rt.folded[strings.ToLower(path)] {
		return []operation.Operation{{Name: operation.Other, Path: path}}
	}
	return nil
}

// closest returns the operation that a request to op is at the gateway, which goes
// by the path and the fixed fields alone: where pay is open and payWithToken is
// not, a token must not get through by the short name pay.
func (rt *routes) closest(op *operation.Operation, value func(string) (string, bool)) *operation.Operation {
	if found := operation.Match(rt.byPath[op.Path], value); found != nil {
		return found
	}
	return op
}

func (rt *routes) allows(name string) bool { return rt.allowed == nil || rt.allowed[name] }

// names lists the operations that are open here, for people.
func (rt *routes) names() string {
	open := slices.DeleteFunc(append(operation.Names(), operation.Other), func(name string) bool { return !rt.allows(name) })
	return strings.Join(open, ", ")
}

// route finds the operations that live at the request's path.
func (p *Proxy) route(w http.ResponseWriter, r *http.Request) ([]operation.Operation, *problem.Problem) {
	ops := p.routes.at(r.URL.Path)
	if len(ops) == 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return nil, problem.DocumentUnknown(strings.Join(slices.Sorted(maps.Keys(p.documents)), ", "))
	}
	if !slices.ContainsFunc(ops, func(op operation.Operation) bool { return p.routes.allows(op.Name) }) {
		return nil, problem.OperationUnknown(p.routes.names())
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return ops, problem.MethodNotAllowed(http.MethodPost)
	}
	return ops, nil
}

// identify takes the body apart and settles which of the operations at its path it asks for.
func (p *Proxy) identify(c *call, ops []operation.Operation, body []byte) *problem.Problem {
	if kind := byteOrderMark(body); kind != "" {
		return problem.ByteOrderMark(kind)
	}
	req, err := parseRequest(body)
	if err != nil {
		return problem.BodyNotJSON(err)
	}
	if req.repeated != "" {
		return problem.NameRepeated(req.repeated)
	}
	if prob := req.checkEnvelope(); prob != nil {
		return prob
	}
	c.request = req
	value := func(name string) (string, bool) { return req.text(name), req.has(name) }
	op := operation.Match(ops, value)
	if op == nil {
		op = &ops[0]
	}
	if prob := contradiction(op, &req); prob != nil {
		return prob
	}
	if !p.routes.allows(op.Name) || !p.routes.allows(p.routes.closest(op, value).Name) {
		return problem.OperationUnknown(p.routes.names())
	}
	c.operation = op
	return nil
}

// byteOrderMark is the encoding whose byte order mark a body begins with; "" if there is none.
// The mark of UTF-32 in little-endian begins like that of UTF-16.
func byteOrderMark(body []byte) string {
	for _, mark := range []struct{ bytes, encoding string }{
		{utf8BOM, "UTF-8"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe\x00\x00", "UTF-32"}, {"\xfe\xff", "UTF-16"}, {"\xff\xfe", "UTF-16"},
	} {
		if bytes.HasPrefix(body, []byte(mark.bytes)) {
			return mark.encoding
		}
	}
	return ""
}

// contradiction refuses a request that says it is another operation than the one
// it was posted to: FAST_PAY must not slip through where only pay is allowed. Nor
// must it in a field of other letter case, since a gateway may not care for that.
func contradiction(op *operation.Operation, req *request) *problem.Problem {
	var fields []problem.Field
	for _, fixed := range op.Fixed() {
		for _, m := range req.data {
			if !strings.EqualFold(string(m.Name), fixed.Name) {
				continue
			}
			if string(m.Name) == fixed.Name && (operation.IsEmpty(m.Value) || rawjson.Scalar(m.Value) == fixed.Fixed) {
				continue
			}
			fields = append(fields, problem.FixedField(req.pathTo(string(m.Name)), fixed.Name, op.Name))
		}
	}
	return problem.FieldsInvalid(fields)
}
