package galaxypay

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// page is what a customer sees whose browser brings a message that is not proven.
// It asks nobody to pay again: the money may be on its way.
var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>` + pageStyle + `</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Advice}}</p>
<p><small>{{.Code}}</small></p>
</main>
</body>
</html>
`))

const pageStyle = `body{font:1rem/1.5 system-ui,sans-serif;margin:0;color:#222;background:#f6f6f4}` +
	`main{max-width:34rem;margin:12vh auto;padding:0 1.5rem}h1{font-size:1.4rem}small{color:#666}`

var pageTitle = words{
	en: "We could not confirm this page",
	vi: "Chưa xác nhận được trang này",
}

var pageAdvice = words{
	en: "The payment result that your browser brought could not be verified. If you have paid, do not pay again: the shop is told of the payment separately. Please look at your order in the shop.",
	vi: "Không xác thực được kết quả thanh toán mà trình duyệt gửi tới. Nếu bạn đã thanh toán, vui lòng không thanh toán lại: cửa hàng được thông báo riêng. Hãy kiểm tra đơn hàng tại cửa hàng.",
}

// writePage answers a person.
func writePage(w http.ResponseWriter, r *http.Request, f *failure) error {
	in := languageOf(r)
	var body bytes.Buffer
	err := page.Execute(&body, map[string]any{
		"Language": in,
		"Title":    pageTitle.in(in),
		"Advice":   pageAdvice.in(in),
		"Code":     f.code,
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(in))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	// The address holds the callback; it must not travel on in a Referer.
	h.Set("Referrer-Policy", "no-referrer")
	return writeBody(w, f.status(), body.Bytes())
}

func wantsPage(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

// hasErrorRoute reports whether handle_errors of this site would take the error.
// Without such a route Caddy would answer with an empty page.
func hasErrorRoute(r *http.Request, err error) bool {
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server.Errors == nil {
		return false
	}
	return takes(server.Errors.Routes, server.Errors.WithError(r, err))
}

// takes reports whether one of the routes handles the request. Sites, and the status
// codes of a handle_errors, are routes within routes.
func takes(routes caddyhttp.RouteList, r *http.Request) bool {
	for _, route := range routes {
		if matches, err := route.MatcherSets.AnyMatchWithError(r); err != nil || !matches {
			continue
		}
		for _, handler := range route.Handlers {
			if inner, ok := handler.(*caddyhttp.Subroute); !ok || takes(inner.Routes, r) {
				return true
			}
		}
		if route.Terminal {
			return false
		}
	}
	return false
}
