package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
)

// This file reads SQLite's log, path-wal, as https://www.sqlite.org/walformat.html describes it:
// a header, then frames of one page each. A transaction is committed by its last frame. SQLite
// believes all frames up to the first one whose checksum is wrong. That is right after a power
// cut: only the transaction that was being written can be incomplete. It is not if a frame in
// the middle is damaged: SQLite would silently drop all that was committed after it.

const (
	walHeaderSize   = 32
	frameHeaderSize = 24
	walVersion      = 3007000
)

// walFile is a log that is open for reading.
type walFile struct {
	file     *os.File
	order    binary.ByteOrder // of the words of checksums
	pageSize int
	salt     [8]byte
	sum      [2]uint32 // of the header
}

// frame is one of a log.
type frame struct {
	at       int64 // where its page begins
	page     uint32
	isCommit bool
	salt     [8]byte
	// sum is what the frame says of itself and all before it.
	sum [2]uint32
}

// openWAL opens the log of a file. It returns nil if there is none with any frame.
func openWAL(path string) (*walFile, error) {
	file, err := os.Open(path + walSuffix) //nolint:gosec // G304: the operator's choice
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w, err := readWALHeader(file)
	if w == nil {
		_ = file.Close()
	}
	return w, err
}

func readWALHeader(file *os.File) (*walFile, error) {
	header := make([]byte, walHeaderSize)
	if _, err := io.ReadFull(file, header); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, nil
		}
		return nil, err
	}
	w := &walFile{file: file, order: binary.LittleEndian, pageSize: int(binary.BigEndian.Uint32(header[8:]))}
	if binary.BigEndian.Uint32(header)&1 == 1 {
		w.order = binary.BigEndian
	}
	copy(w.salt[:], header[16:])
	w.sum = w.add([2]uint32{}, header[:24])
	if binary.BigEndian.Uint32(header)&^1 != 0x377f0682 || binary.BigEndian.Uint32(header[4:]) != walVersion || w.sum != words(header[24:]) {
		return nil, nil // SQLite writes the header before all frames, and takes none if it is not whole
	}
	if !isPageSize(w.pageSize) {
		return nil, nil
	}
	return w, nil
}

func isPageSize(n int) bool { return n >= 512 && n <= 65536 && n&(n-1) == 0 }

func words(b []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// add adds bytes to a checksum.
func (w *walFile) add(sum [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		sum[0] += w.order.Uint32(b) + sum[1]
		sum[1] += w.order.Uint32(b[4:]) + sum[0]
	}
	return sum
}

// frames calls visit for each frame of this log's present round. Follows says that the checksum
// of the frame fits what the one before it says. That one may be damaged itself, so one damaged
// frame does not make those behind it doubtful.
func (w *walFile) frames(visit func(f frame, follows bool)) error {
	if _, err := w.file.Seek(walHeaderSize, io.SeekStart); err != nil {
		return err
	}
	before := w.sum
	buffer := make([]byte, frameHeaderSize+w.pageSize)
	for at := int64(walHeaderSize); ; at += int64(len(buffer)) {
		if _, err := io.ReadFull(w.file, buffer); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			return err
		}
		f := frame{at: at + frameHeaderSize, page: binary.BigEndian.Uint32(buffer), isCommit: binary.BigEndian.Uint32(buffer[4:]) != 0, sum: words(buffer[16:])}
		copy(f.salt[:], buffer[8:])
		sum := w.add(w.add(before, buffer[:8]), buffer[frameHeaderSize:])
		visit(f, sum == f.sum && f.salt == w.salt && f.page != 0)
		before = f.sum
	}
}

// checkWAL fails if the log of a file is damaged in its middle. A transaction that a crash broke
// off may leave whole frames behind an incomplete one, and one of them may commit it. A second
// commit cannot be there: the first would have been on the disk before.
func checkWAL(path string) error {
	w, err := openWAL(path)
	if w == nil || err != nil {
		return err
	}
	defer w.file.Close()
	broken, commits := false, 0
	err = w.frames(func(f frame, follows bool) {
		broken = broken || !follows
		if broken && follows && f.isCommit {
			commits++
		}
	})
	if err == nil && commits > 1 {
		return fmt.Errorf("%w: %s has a wrong checksum in its middle", errDamaged, path+walSuffix)
	}
	return err
}

// committed returns where the newest version of each page is that the log has. Without what a
// crash broke off: frames count that are followed by one that commits.
func (w *walFile) committed() (map[uint32]int64, error) {
	newest, open := map[uint32]int64{}, map[uint32]int64{}
	err := w.frames(func(f frame, follows bool) {
		if !follows {
			return
		}
		open[f.page] = f.at
		if f.isCommit {
			maps.Copy(newest, open)
			clear(open)
		}
	})
	return newest, err
}
