package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"sync"
)

// Order is one order of the shop: a file, written whole and synced.
type Order struct {
	ID, Currency, Description, Status, PayKey, TransactionID, RefundKey string
	Amount                                                              int64
	HandedOut, RefundsRefused                                           int
	Messages                                                            []string // what it has taken: transaction and status
}

// Orders are the shop's own orders. The lock makes messages that come at once wait for each other.
type Orders struct {
	mu     sync.Mutex
	folder string
}

var orderID = regexp.MustCompile(`^DH-[0-9a-f]{10}$`)

// Find returns an order, or nil.
func (s *Orders) Find(id string) *Order {
	if !orderID.MatchString(id) {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(s.folder, id+".json"))
	if err != nil {
		return nil
	}
	o := new(Order)
	if json.Unmarshal(text, o) != nil {
		return nil
	}
	return o
}

// Change reads an order, lets f alter it, and saves it.
func (s *Orders) Change(id string, f func(*Order)) (*Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.Find(id)
	if o == nil {
		return nil, os.ErrNotExist
	}
	f(o)
	return o, s.save(o)
}

func (s *Orders) save(o *Order) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	path := filepath.Join(s.folder, o.ID+".json")
	file, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
