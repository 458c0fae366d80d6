package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
)

// network is a network without sockets: a request is served in the goroutine that sends it.
type network struct{ servers []http.HandlerFunc }

const firstPort = 20_000

// listen serves at an address of this network.
func (n *network) listen(serve http.HandlerFunc) (address string) {
	n.servers = append(n.servers, serve)
	return fmt.Sprint("http://127.0.0.1:", firstPort+len(n.servers)-1)
}

// RoundTrip sends a request.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	var port int
	if _, err := fmt.Sscan(r.URL.Port(), &port); err != nil || port < firstPort || port >= firstPort+len(n.servers) {
		return nil, errors.New("dial tcp: nothing listens at " + r.URL.Host)
	}
	received := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.RequestURI(), r.Body)
	received.Host, received.RemoteAddr, received.Header = r.URL.Host, "127.0.0.1:5678", canonical(r.Header)
	w := httptest.NewRecorder()
	n.servers[port-firstPort](w, received)
	response := w.Result()
	response.Header, response.Request = canonical(response.Header), r
	return response, nil
}

// canonical spells a head as it is read from a connection.
func canonical(head http.Header) http.Header {
	read := make(http.Header)
	for name, values := range head {
		for _, value := range values {
			read.Add(name, value)
		}
	}
	return read
}
