package fault

import (
	"cmp"
	"encoding/json"
	"errors"
	"regexp"
)

// Requested returns the faults that a request names: in extraData.sandboxFault, one text
// or an array of texts, or in its orderDescription, each as [fault:NAME]. The gateway knows
// neither, and both fields are the merchant's own, so this contradicts no document.
// Whether extraData is an object at all is for the catalogue to judge. A name that no
// fault has is an error; the faults that are known are still returned.
func Requested(extraData json.RawMessage, description string) (Faults, error) {
	inExtraData, err := named("extraData.sandboxFault", namesIn(extraData))
	tagged, tagErr := named("a fault in orderDescription", tagsIn(description))
	both, _ := Named(append(inExtraData.Names(), tagged.Names()...)...)
	return both, cmp.Or(err, tagErr)
}

func named(field string, names []string) (Faults, error) {
	chosen, known := Named(names...)
	if !known {
		return nil, errors.New(field + " is not one of " + all.String())
	}
	return chosen, nil
}

func namesIn(extraData json.RawMessage) []string {
	var extra struct {
		Fault json.RawMessage `json:"sandboxFault"`
	}
	if json.Unmarshal(extraData, &extra) != nil || extra.Fault == nil || string(extra.Fault) == "null" {
		return nil
	}
	var name string
	var names []string
	if json.Unmarshal(extra.Fault, &name) == nil {
		return []string{name}
	}
	if json.Unmarshal(extra.Fault, &names) != nil {
		return []string{""}
	}
	return names
}

var tag = regexp.MustCompile(`\[fault:([^\]]*)\]`)

// tagsIn takes the names in orderDescription: a shop whose plugin has no extraData can
// still write a description.
func tagsIn(description string) []string {
	var names []string
	for _, found := range tag.FindAllStringSubmatch(description, -1) {
		names = append(names, found[1])
	}
	return names
}
