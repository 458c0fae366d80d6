package main

import (
	"context"
	"fmt"
	"io"
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

// post returns the body of the answer, which must be a 200.
func post(ctx context.Context, client *http.Client, url, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := do(client, req)
	return string(answer), err
}

func do(client *http.Client, req *http.Request) ([]byte, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d: %s", req.URL, resp.StatusCode, answer)
	}
	return answer, nil
}
