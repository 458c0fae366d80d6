package inbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// sealedAnswer begins a description that is sealed. What follows is Base64.
const sealedAnswer = "\x01"

// Answer returns the app's last answer to an event that the store returned, as the app gave it. What
// it described is left out if no key opens it.
func (m *Member) Answer(r Record) Answer {
	a := r.Answer
	text, isSealed := strings.CutPrefix(a.Description, sealedAnswer)
	if !isSealed {
		return a
	}
	a.Description = ""
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return a
	}
	plain, err := m.Message(answerTo(r.Event, sealed))
	if err != nil || json.Unmarshal(plain, &a.Description) != nil {
		a.Description = ""
	}
	return a
}

// sealAnswer seals what the app described, as messages are sealed: it may name the customer.
func (m *Member) sealAnswer(e Event, a Answer) (Answer, error) {
	if m.settings.Seal == nil || a.Description == "" {
		return a, nil
	}
	plain, err := json.Marshal(a.Description) // which is JSON, as every message is
	if err != nil {
		return a, err
	}
	sealed, err := m.settings.Seal(answerTo(e, plain))
	if err != nil {
		return a, err
	}
	if !bytes.Equal(sealed, plain) { // else the store has no encrypt
		a.Description = sealedAnswer + base64.StdEncoding.EncodeToString(sealed)
	}
	return a, nil
}

// answerTo is what a description is sealed as. Its queue is that of no merchant, so that an attacker who can write to the store can
// put neither a message in the place of a description nor the reverse.
func answerTo(e Event, description []byte) Event {
	return Event{ID: e.ID, Queue: e.Queue + "\x00answer", PaymentStatus: e.PaymentStatus, Message: description}
}
