package bolt

import (
	"encoding/binary"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

// pages goes through the pages of a file. bbolt keeps a list of those that are free, and
// believes it: were one in use among them, the next write would destroy what is on it.
//
// bbolt has a check of its own, Tx.Check. It is not used, because it does its work in a
// goroutine that it starts itself: a panic there, or the fault of reading a page that the file
// has lost, is out of reach of survive and would end the process.
type pages struct {
	tx   *bbolt.Tx
	file *os.File
	size int
	used []bool // by number
}

// checkPages tells whether every page is used once, by a table or by the list, or is free.
func (t *tables) checkPages() error {
	file, err := os.Open(t.tx.DB().Path())
	if err != nil {
		return err
	}
	defer file.Close()
	size := t.tx.DB().Info().PageSize
	p := &pages{t.tx, file, size, make([]bool, t.tx.Size()/int64(size))}
	if err := p.use(int(t.tx.Cursor().Bucket().Root())); err != nil { //nolint:gosec // G115: compared with the size of the file
		return err
	}
	for _, name := range buckets() {
		root := int(t.tx.Bucket(name).Root()) //nolint:gosec // G115: as above
		if root == 0 {
			continue // it is small, and lies on another's page
		}
		if err := p.use(root); err != nil {
			return err
		}
	}
	return p.checkRest()
}

// use takes note of a page that is in use, and of those below it.
func (p *pages) use(id int) error {
	info, err := p.tx.Page(id)
	if err != nil {
		return err
	}
	if id < 2 || info == nil || info.ID+info.OverflowCount >= len(p.used) {
		return fmt.Errorf("%w: page %d lies outside", errDamaged, id)
	}
	for n := id; n <= id+info.OverflowCount; n++ {
		if p.used[n] || p.isFree(n) {
			return fmt.Errorf("%w: page %d is in use, and so it is elsewhere, or it counts as free", errDamaged, n)
		}
		p.used[n] = true
	}
	if info.Type != "branch" {
		return nil
	}
	return p.useBelow(id, info.Count, info.OverflowCount)
}

// useBelow goes on with the pages that a branch refers to.
func (p *pages) useBelow(id, count, overflow int) error {
	const head, element, child = 16, 16, 8 // bytes: of a page, of each reference on it, and where in that the number is
	page := make([]byte, p.size*(1+overflow))
	if _, err := p.file.ReadAt(page, int64(id)*int64(p.size)); err != nil {
		return err
	}
	for i := range count {
		below := binary.NativeEndian.Uint64(page[head+i*element+child:])
		if err := p.use(int(below)); err != nil { //nolint:gosec // G115: compared with the size of the file
			return err
		}
	}
	return nil
}

// checkRest tells whether the pages that no table uses are the list and what is on it.
func (p *pages) checkRest() error {
	free := 0
	for id := 2; id < len(p.used); id++ {
		switch {
		case p.used[id]:
		case p.isFree(id):
			free++
		default:
			info, err := p.tx.Page(id)
			if err != nil {
				return err
			}
			if info.Type != "freelist" {
				return fmt.Errorf("%w: page %d is not in use, and does not count as free", errDamaged, id)
			}
			if err := p.use(id); err != nil {
				return err
			}
		}
	}
	if listed := p.tx.DB().Stats().FreePageN; free != listed {
		return fmt.Errorf("%w: %d pages count as free, and %d are", errDamaged, listed, free)
	}
	return nil
}

func (p *pages) isFree(id int) bool {
	info, err := p.tx.Page(id)
	return err == nil && info != nil && info.Type == "free"
}
