package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/command"
)

const (
	// pollTime is how long the sidecar waits for an event, and pollTimeout when the connection counts as broken.
	pollTime, pollTimeout = 25 * time.Second, 45 * time.Second
	// longestPause bounds the time between two tries.
	longestPause = 30 * time.Second
)

// Event is an event of an inbox, as the admin API tells of it.
type Event struct {
	Seq           uint64    `json:"seq"`
	ID            string    `json:"id"`
	Queue         string    `json:"queue"` // the merchant and its gateway, with a blank between them
	Kind          string    `json:"kind"`
	PaymentStatus string    `json:"paymentStatus"`
	State         string    `json:"state"`
	Transaction   string    `json:"transaction,omitempty"`
	OrderID       string    `json:"orderID,omitempty"`
	RequestID     string    `json:"requestID,omitempty"`
	ReceivedAt    time.Time `json:"receivedAt"`
	MessageBytes  []byte    `json:"messageBytes,omitempty"`
	MessageError  string    `json:"messageError,omitempty"`
}

// follower fetches the events of a sidecar's inbox as they come.
type follower struct {
	core   Core
	c      *cobra.Command
	admin  *adminEndpoint
	target *target // nil: events are shown alone
	tries  int
	pause  time.Duration
	cursor string // "" before the first answer: now
}

func newFollower(c *cobra.Command, core Core) (*follower, error) {
	for _, other := range []string{"salt", "at", "unverified"} {
		if c.Flags().Changed(other) {
			return nil, command.Usage("--%s: does not go with --from, where the sidecar has proven each callback", "--%s: không dùng cùng --from, vì sidecar đã xác thực từng callback", other)
		}
	}
	f := &follower{core: core, c: c, cursor: c.Flag("after").Value.String()}
	f.tries, _ = c.Flags().GetInt("tries")
	f.pause, _ = c.Flags().GetDuration("pause")
	if f.tries < 1 || f.pause <= 0 {
		return nil, command.Usage("--tries, --pause: expected more than zero", "--tries, --pause: cần lớn hơn 0")
	}
	var err error
	if f.admin, err = newAdminEndpoint(c); err != nil {
		return nil, err
	}
	if !c.Flags().Changed("forward-to") {
		return f, nil
	}
	f.target, err = newTarget(c, "forward-to", false)
	return f, err
}

// run fetches events until it is interrupted, or has tried too often in vain.
func (f *follower) run(ctx context.Context) error {
	defer f.sayCursor()
	failures, isReady, pause := 0, false, f.pause
	for {
		events, err := f.fetch(ctx, isReady && failures == 0)
		switch {
		case ctx.Err() != nil:
			return nil // which the command ends with 130
		case command.IsNo(err): // it is no use to try again
			return err
		case err != nil:
			if failures++; failures >= f.tries {
				return command.Unreachable("gave up after %d tries: %v", "đã thử %d lần mà không được: %v", failures, err)
			}
			f.c.PrintErrln(command.Say(f.c, "not connected: ", "chưa kết nối: ") + err.Error() + command.Say(f.c, "; trying again in ", "; sẽ thử lại sau ") + pause.String())
			if !wait(ctx, pause) {
				return nil
			}
			pause = min(2*pause, longestPause)
			continue
		case !isReady:
			f.sayReady()
		case failures > 0:
			f.c.PrintErrln(command.Say(f.c, "connected again; what came in between follows", "đã kết nối lại; những gì đến trong lúc gián đoạn sẽ hiện ngay sau đây"))
		}
		failures, isReady, pause = 0, true, f.pause
		for _, event := range events {
			if err := f.take(ctx, event); err != nil {
				return err
			}
		}
	}
}

// wait is false where the context ends first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// fetch returns the events behind the cursor. A first request does not wait, so that it shows whether there is a connection.
func (f *follower) fetch(ctx context.Context, patient bool) ([]Event, error) {
	query := url.Values{"seconds": {"0"}}
	if patient {
		query.Set("seconds", strconv.Itoa(int(pollTime/time.Second)))
	}
	if f.cursor != "" {
		query.Set("after", f.cursor)
	}
	response, err := f.admin.get(ctx, "/galaxypay/events/wait?"+query.Encode())
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return f.read(response)
}

// read reads an answer whole before anything of it counts.
func (f *follower) read(response *http.Response) ([]Event, error) {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		var refusal struct{ Error string }
		_ = json.Unmarshal(body, &refusal) // what is no answer of Caddy says nothing
		text := printable(fmt.Sprintf("HTTP %d: %s", response.StatusCode, refusal.Error))
		if response.StatusCode >= 400 && response.StatusCode < 500 {
			return nil, command.No("the admin endpoint refuses: %s", "admin endpoint từ chối: %s", text)
		}
		return nil, errors.New(text)
	}
	var answer struct {
		Events []Event
		Cursor *uint64
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Cursor == nil {
		return nil, errors.New("the answer is not in the form of a sidecar")
	}
	if len(answer.Events) == 0 { // else each event moves it, when it is shown
		f.cursor = strconv.FormatUint(*answer.Cursor, 10)
	}
	return answer.Events, nil
}

func (f *follower) sayReady() {
	to := ""
	if f.target != nil {
		to = " -> " + withoutQuery(f.target.address)
	}
	f.c.PrintErrln("ready: " + f.c.Flag("from").Value.String() + to)
}

// sayCursor says how to go on later.
func (f *follower) sayCursor() {
	if f.cursor != "" {
		f.c.PrintErrln(command.Say(f.c, "go on later with --after ", "lần sau tiếp tục bằng --after ") + f.cursor)
	}
}

// followed is a line about an event.
type followed struct {
	Event
	Merchant string     `json:"merchant"`
	Answer   *appAnswer `json:"answer,omitempty"`
	Error    string     `json:"error,omitempty"` // why it was not forwarded
}

// take shows an event, and forwards it.
func (f *follower) take(ctx context.Context, event Event) error {
	merchant, _, _ := strings.Cut(event.Queue, " ")
	line := followed{Event: event, Merchant: merchant}
	switch {
	case event.MessageError != "" || len(event.MessageBytes) == 0:
		line.Error = command.Say(f.c, "the sidecar has no message to this event: ", "sidecar không có thông điệp của event này: ") + event.MessageError
	case f.target != nil:
		answer, err := f.target.send(ctx, func(ctx context.Context, address *url.URL) (*http.Request, error) {
			return f.core.AppRequest(ctx, address.String(), event, merchant)
		})
		if ctx.Err() != nil {
			return command.Interrupted() // the event is shown with the next --after
		}
		if err != nil {
			line.Error = command.Sentence(f.c, err)
		} else {
			answer.IPNStatus = f.core.Word(answer.Status, answer.header, []byte(answer.Body))
			line.Answer = answer
		}
	}
	if err := f.print(line); err != nil {
		return command.Unreachable("standard output: %v", "đầu ra chuẩn: %v", err)
	}
	f.cursor = strconv.FormatUint(event.Seq, 10)
	return nil
}

func (f *follower) print(line followed) error {
	if command.WantsJSON(f.c) {
		return command.PrintJSON(f.c, line)
	}
	shown := heard{
		Verified: true, Kind: line.Kind, OrderID: line.OrderID, TransactionID: line.Transaction, RequestID: line.RequestID,
		PaymentStatus: line.PaymentStatus, Answer: line.Answer, Error: line.Error, Forwarded: line.Answer != nil || f.target == nil,
		Merchant: line.Merchant,
	}
	_, err := fmt.Fprintf(f.c.OutOrStdout(), "%s %s event=%d\n", line.ReceivedAt.Format(time.RFC3339), shown.text(), line.Seq)
	return err
}
