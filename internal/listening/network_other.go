//go:build !linux

package listening

// network names the network of this process: there is one.
func network() string { return "" }
