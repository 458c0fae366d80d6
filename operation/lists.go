package operation

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/language"
)

// List is a list of codes in the gateway's documents.
type List struct {
	// Name is how fields refer to it, and its path under /codes/.
	Name string `json:"name"`
	// Text is its title.
	language.Text
	// Closed lists are complete. The gateway may take codes that an open list does not
	// have.
	Closed bool `json:"closed"`
	// Codes are its entries, in the documents' order.
	Codes []Entry `json:"codes"`
}

// Entry is one code of a list and what it means.
type Entry struct {
	Code string `json:"code"`
	language.Text
}

//go:embed lists.json
var listsData []byte

var lists = mustLoadLists(listsData)

func mustLoadLists(data []byte) map[string]List {
	var lists map[string]List
	if err := json.Unmarshal(data, &lists); err != nil {
		panic(fmt.Sprintf("operation: reading the embedded lists: %v", err))
	}
	for name, list := range lists {
		list.Name = name
		lists[name] = list
	}
	return lists
}

// Lists returns every list, by name.
func Lists() []List {
	var all []List
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		all = append(all, lists[name])
	}
	return all
}
