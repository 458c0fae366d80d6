package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
)

// maxSelection bounds a body that says which events to replay, in bytes.
const maxSelection = 4 << 10

func replayEvents(w http.ResponseWriter, r *http.Request, m *inbox.Member) error {
	f, err := replaySelection(w, r)
	if err != nil {
		return apiError(http.StatusBadRequest, err)
	}
	if f.ID != "" { // a wrong id is an error; it must not look like an event that is being delivered
		if err := checkReplay(r, m, f); err != nil {
			return err
		}
	}
	n, err := m.Engine().Replay(r.Context(), f)
	if err != nil {
		return apiError(http.StatusInternalServerError, err)
	}
	return writeJSON(w, map[string]int{"replayed": n})
}

// checkReplay refuses an event that is not there, or cannot be delivered.
func checkReplay(r *http.Request, m *inbox.Member, f inbox.Filter) error {
	e, err := findEvent(r, m, f)
	if err == nil && len(e.Message) == 0 {
		err = apiError(http.StatusConflict, errors.New("the event's message was dropped after keep, so it cannot be delivered; ask the gateway with query"))
	}
	return err
}

// replaySelection reads which events to deliver again. Only all=true means all of them.
func replaySelection(w http.ResponseWriter, r *http.Request) (inbox.Filter, error) {
	parameters, err := queryParameters(r)
	if err != nil {
		return inbox.Filter{}, err
	}
	if err := addBodyParameters(parameters, http.MaxBytesReader(w, r.Body, maxSelection)); err != nil {
		return inbox.Filter{}, err
	}
	if slices.Equal(parameters["all"], []string{"true"}) && len(parameters) == 1 {
		return inbox.Filter{}, nil
	}
	f, err := selection(parameters)
	switch {
	case err != nil:
		return inbox.Filter{}, err
	case f.Limit != 0:
		return inbox.Filter{}, errors.New("limit: not allowed for a replay")
	case f == inbox.Filter{}:
		return inbox.Filter{}, errors.New("choose the events to replay: give a filter, or only all=true")
	}
	return f, nil
}

// addBodyParameters adds the members of a JSON object to the parameters.
func addBodyParameters(parameters url.Values, body io.Reader) error {
	text, err := io.ReadAll(body)
	if err != nil || len(text) == 0 {
		return err
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return errors.New("expected a JSON object of parameters")
	}
	for name, value := range members {
		switch value.(type) {
		case string, bool:
			parameters.Add(name, fmt.Sprint(value))
		default:
			return fmt.Errorf("%s: expected a text", name)
		}
	}
	return nil
}
