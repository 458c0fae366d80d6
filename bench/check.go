package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// check proves before the load that a variant does what it is measured for: that requests are signed where they are
// wrapped, and that the answer is the right one.
func check(ctx context.Context, url string, unwraps bool) error {
	body, err := payBodyDescribed(string(mustBeSigned), 700)
	if err != nil {
		return err
	}
	got, err := post(ctx, http.DefaultClient, url, body)
	if err != nil {
		return err
	}
	if unwraps && got != responseData {
		return fmt.Errorf("%s answered %q instead of the responseData", url, got)
	}
	if !unwraps && !strings.Contains(got, `"responseData":`+responseData) {
		return fmt.Errorf("%s answered %q instead of the envelope", url, got)
	}
	return nil
}
