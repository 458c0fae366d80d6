// Package filelock locks files, so that one process notices another.
package filelock
