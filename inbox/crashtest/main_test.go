//go:build linux

// Package crashtest tests the inbox and the ledger when the machine fails: the process is killed,
// the power is cut, the disk is full or damaged, the file cannot be written. What was acknowledged
// must be there afterwards, and be delivered; what was sent must be known.
package crashtest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childEnv holds the orders of a child process: this test binary, run again.
const childEnv = "CRASHTEST_CHILD"

func TestMain(m *testing.M) {
	orders := os.Getenv(childEnv)
	if orders == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := runChild(context.Background(), orders); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runChild(ctx context.Context, text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	if o.OnDisk {
		if err := traceSyscalls(diskSocket); err != nil {
			return fmt.Errorf("system calls cannot be traced: %w", err)
		}
	}
	reports := os.NewFile(reportsPipe, "reports")
	if o.Sharing != nil {
		return o.Sharing.work(ctx, reports)
	}
	if o.Paying != nil {
		return o.Paying.work(ctx, o.Where, reports)
	}
	return o.work(ctx, reports)
}
