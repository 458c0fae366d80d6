package desk

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// stall is how long a reader of a long answer may take for one record.
const stall = time.Minute

// stream is a long answer, of which only the end is in memory. If it cannot be written to its end, the connection is
// broken: nothing else shows the reader that what it has is not all.
type stream struct {
	what       string
	connection *http.ResponseController
	encoder    *json.Encoder // JSON lines
	table      *csv.Writer
}

// newStream begins an answer. What names it in the log.
func newStream(w http.ResponseWriter, what string) *stream {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	return &stream{what, http.NewResponseController(w), newEncoder(w), newTable(w)}
}

// keepOpen gives the reader time for another record: one that stops must not keep the store busy for ever.
func (s *stream) keepOpen() { _ = s.connection.SetWriteDeadline(time.Now().Add(stall)) }

// row writes a row of the table.
func (s *stream) row(cells []string) {
	s.keepOpen()
	s.must(s.table.Write(cells))
}

// end writes what the table still has.
func (s *stream) end() {
	s.keepOpen()
	s.table.Flush()
	s.must(s.table.Error())
}

// must breaks the answer off if there is an error.
func (s *stream) must(err error) {
	if err == nil {
		return
	}
	caddy.Log().Named("admin.api").Error(s.what+" broke off", zap.Error(err))
	panic(http.ErrAbortHandler)
}
