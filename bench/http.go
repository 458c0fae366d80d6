package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// httpAnswer is what a server sends back.
type httpAnswer struct {
	status int
	header http.Header
	body   string
}

// send posts a body and returns the answer, whatever its status.
func send(ctx context.Context, client *http.Client, url, body string) (httpAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return httpAnswer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	return do(client, req)
}

// post returns the body of the answer, which must be a 200.
func post(ctx context.Context, client *http.Client, url, body string) (string, error) {
	a, err := send(ctx, client, url, body)
	if err != nil {
		return "", err
	}
	return a.body, a.mustBeOK(url)
}

// get returns the body of the answer, which must be a 200.
func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	a, err := do(http.DefaultClient, req)
	if err != nil {
		return "", err
	}
	return a.body, a.mustBeOK(url)
}

func do(client *http.Client, req *http.Request) (httpAnswer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return httpAnswer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return httpAnswer{resp.StatusCode, resp.Header, string(text)}, err
}

func (a *httpAnswer) mustBeOK(url string) error {
	if a.status == http.StatusOK {
		return nil
	}
	return fmt.Errorf("%s answered %d: %s", url, a.status, a.body)
}
