package ledger

import "testing"

// Every outcome has its words, and callbacks have room for 20 characters of description.
func TestResults(t *testing.T) {
	if len(results) != len(Outcomes())+1 { // open, which is not an outcome
		t.Errorf("%d results", len(results))
	}
	for _, o := range Outcomes() {
		r := o.Result()
		if r.Status == "" || r.Message == "" || r.Description == "" || len(r.Description) > 20 {
			t.Errorf("%s: %+v", o, r)
		}
	}
}
