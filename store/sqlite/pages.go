package sqlite

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/ledger"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// This file reads records from a damaged file without SQLite, as
// https://www.sqlite.org/fileformat2.html describes it. It goes by no tree and no index. Each page
// is looked at alone, and the checksum of a record says whether it is one. So a damaged page
// costs no more than what was on it.

const (
	tableLeaf = 0x0d
	indexLeaf = 0x0a
	indexNode = 0x02 // above leaves; it has rows of its own

	usualPageSize = 4096
)

// fileColumns are pointers to the parts of a record in the order of the table's columns, without
// seq, which is the key of the row; nil is the checksum.
func fileColumns(r *row) []any {
	return []any{
		&r.Queue, &r.Transaction, &r.RequestID, &r.PaymentStatus, &r.State, &r.Attempts,
		(*store.Time)(&r.ReceivedAt), (*store.Time)(&r.Due), (*store.Time)(&r.SettledAt), &r.ready, nil,
		&r.ID, &r.OrderID, &r.Request.Scheme, &r.Request.Host, &r.Request.URI, &r.Request.RemoteAddr, &r.Request.Traceparent, &r.Block, &r.Kind,
		&r.Answer.Status, &r.Answer.Description, &r.LastError, (*store.Names)(&r.History), &r.Message,
	}
}

// pageFile is a store's file, with its log, that is read page by page.
type pageFile struct {
	file  *os.File
	wal   *walFile // may be nil
	newer map[uint32]int64
	size  int    // of a page
	count uint32 // of pages
}

func openPages(path string) (*pageFile, error) {
	file, err := os.Open(path) //nolint:gosec // G304: the operator's choice
	if err != nil {
		return nil, err
	}
	p := &pageFile{file: file}
	if err := p.open(path); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *pageFile) open(path string) (err error) {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	if p.wal, err = openWAL(path); err != nil {
		return err
	}
	p.size = p.pageSize()
	p.count = uint32(min(info.Size()/int64(p.size)+1, 1<<31)) //nolint:gosec // G115: it fits
	if p.wal == nil || p.wal.pageSize != p.size {
		return nil
	}
	if p.newer, err = p.wal.committed(); err != nil {
		return err
	}
	most := p.count + uint32(len(p.newer)) //nolint:gosec // G115: as many as there are frames
	for page := range p.newer {
		p.count = max(p.count, min(page, most))
	}
	return nil
}

// pageSize is that of the file's header, if that can be read.
func (p *pageFile) pageSize() int {
	header := make([]byte, 100)
	if _, err := p.file.ReadAt(header, 0); err == nil {
		if size := int(binary.BigEndian.Uint16(header[16:])); string(header[:16]) == string(magic) && isPageSize(size) {
			return size
		}
	}
	if p.wal != nil {
		return p.wal.pageSize
	}
	return usualPageSize
}

func (p *pageFile) close() error {
	err := p.file.Close()
	if p.wal != nil {
		err = errors.Join(err, p.wal.file.Close())
	}
	return err
}

// page reads a page. What the file has lost of it is zeros.
func (p *pageFile) page(number uint32) ([]byte, error) {
	file, at := p.file, (int64(number)-1)*int64(p.size)
	if newer, ok := p.newer[number]; ok {
		file, at = p.wal.file, newer
	}
	page := make([]byte, p.size)
	if _, err := file.ReadAt(page, at); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return page, nil
}

// cells calls visit with each cell of a leaf page, and what follows it. Places outside the page
// are left out.
func cells(page []byte, visit func(i int, cell []byte)) { cellsBehind(8, page, visit) }

// indexCells is cells for a page of an index, which may be a leaf or not. The number of the page
// below a cell is cut off.
func indexCells(page []byte, visit func(cell []byte)) {
	switch page[0] {
	case indexLeaf:
		leafCells(page, visit)
	case indexNode:
		nodeCells(page, visit)
	}
}

func leafCells(page []byte, visit func(cell []byte)) {
	cells(page, func(_ int, cell []byte) { visit(cell) })
}

// nodeCells is leafCells for a page with others below it.
func nodeCells(page []byte, visit func(cell []byte)) {
	cellsBehind(12, page, func(_ int, cell []byte) { visit(cell[min(4, len(cell)):]) })
}

// cellsBehind is cells for pages whose head has that size.
func cellsBehind(head int, page []byte, visit func(i int, cell []byte)) {
	count := int(binary.BigEndian.Uint16(page[3:]))
	for i := range min(count, (len(page)-head)/2) {
		at := int(binary.BigEndian.Uint16(page[head+2*i:]))
		if at >= head && at < len(page) {
			visit(i, page[at:])
		}
	}
}

// varint reads a number of one to nine bytes; rest is nil if it is cut off.
func varint(b []byte) (n uint64, rest []byte) {
	for i := 0; i < len(b) && i < 9; i++ {
		if i == 8 {
			return n<<8 | uint64(b[i]), b[9:]
		}
		n = n<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return n, b[i+1:]
		}
	}
	return 0, nil
}

// maxPayload bounds what is read of a row: of a payment, whose reply and address are as long as a
// message can be, with its texts.
const maxPayload = 2*maxMessage + 1<<20

// tableCell reads the cell of a table: the key of a row, and its content with what lies on other
// pages. The content is nil if the cell cannot be one.
func (p *pageFile) tableCell(cell []byte) (key uint64, content []byte, err error) {
	size, cell := varint(cell)
	if cell == nil || size > maxPayload {
		return 0, nil, nil
	}
	if key, cell = varint(cell); cell == nil || key == 0 || key >= 1<<62 {
		return 0, nil, nil
	}
	content, err = p.content(cell, int(size), p.size-35, isRecord)
	return key, content, err
}

// indexCell is tableCell for the cell of an index, which has the content of a row and no key.
func (p *pageFile) indexCell(cell []byte) (content []byte, err error) {
	size, cell := varint(cell)
	if cell == nil || size > maxPayload {
		return nil, nil
	}
	return p.content(cell, int(size), (p.size-12)*64/255-23, isIndexed)
}

// content reads a row of that size. Most is how much of one its cell can have; the rest lies on
// other pages, which are read if the row may be ours.
func (p *pageFile) content(cell []byte, size, most int, isOurs func(content []byte, size uint64) bool) ([]byte, error) {
	local := size
	if local > most {
		least := (p.size-12)*32/255 - 23
		if local = least + (local-least)%(p.size-4); local > most {
			local = least
		}
	}
	if len(cell) < local {
		return nil, nil
	}
	content := slices.Clone(cell[:local])
	if local == size {
		return content, nil
	}
	if len(cell) < local+4 || !isOurs(content, uint64(size)) { //nolint:gosec // G115: not negative
		return nil, nil
	}
	return p.overflow(content, size, binary.BigEndian.Uint32(cell[local:]))
}

// overflow reads the rest of a row from its chain of pages. It ends with the size, so that a chain
// that is a circle does, too.
func (p *pageFile) overflow(content []byte, size int, number uint32) ([]byte, error) {
	for len(content) < size {
		if number == 0 || number > p.count {
			return nil, nil
		}
		page, err := p.page(number)
		if err != nil {
			return nil, err
		}
		number = binary.BigEndian.Uint32(page)
		content = append(content, page[4:4+min(size-len(content), p.size-4)]...)
	}
	return content, nil
}

// decodeRow reads a row of the table of events. Ok says that it is what was written.
func decodeRow(key uint64, content []byte) (r row, ok bool) {
	r.Seq = key
	checksum, ok := decode(content, fileColumns(&r))
	return r, ok && checksum == int64(r.checksum())
}

// decodePayment is decodeRow for the table of payments.
func decodePayment(key uint64, content []byte) (p ledger.Payment, ok bool) {
	p.Seq = key
	checksum, ok := decode(content, paymentFile(&p))
	return p, ok && checksum == int64(paymentChecksum(&p))
}

// decodeKey is decodeRow for the keys of payments, which a table has that is an index too, and the index
// of that in another order.
func decodeKey(content []byte) (seq uint64, key paymentKey, ok bool) {
	var number, checksum int
	for _, fields := range [][]any{{&key.requestID, &key.book, &checksum, &number}, {&number, &checksum, &key.requestID, &key.book}} {
		if decodeIndexed(content, fields) && number > 0 && checksum == int(keyChecksum(uint64(number), key.book, key.requestID)) {
			return uint64(number), key, true
		}
	}
	return 0, paymentKey{}, false
}

// decodeIndexed reads a row that has no number of its own into fields.
func decodeIndexed(content []byte, fields []any) bool {
	types, body := serialTypes(content, len(fields))
	if types == nil {
		return false
	}
	for i, field := range fields {
		value, rest, ok := cutValue(types[i], body)
		if !ok || !setField(field, types[i], value) {
			return false
		}
		body = rest
	}
	return true
}

// paymentName is a row of galaxypay_payment_transactions: a name that a payment has.
type paymentName struct {
	name, book string
	seq        uint64
}

// decodeName reads a row of galaxypay_payment_transactions. It has no checksum, and some indexes have rows
// that look like it.
func decodeName(content []byte) (n paymentName, ok bool) {
	seq := 0
	ok = decodeIndexed(content, []any{&n.name, &n.book, &seq})
	n.seq = uint64(max(0, seq))
	return n, ok && seq > 0
}

// decode reads a row into fields; nil among them stands for the checksum, which it returns.
func decode(content []byte, fields []any) (checksum int64, ok bool) {
	types, body := serialTypes(content, len(fields)+1)
	if types == nil || types[0] != 0 { // seq itself is not in the content
		return 0, false
	}
	checksum = -1
	for i, field := range fields {
		value, rest, ok := cutValue(types[i+1], body)
		if !ok {
			return 0, false
		}
		body = rest
		if field == nil {
			checksum = integer(value)
			if types[i+1] >= 8 {
				checksum = int64(types[i+1]) - 8 //nolint:gosec // G115: 8 and 9 are the numbers 0 and 1
			}
			continue
		}
		if !setField(field, types[i+1], value) {
			return 0, false
		}
	}
	return checksum, true
}

// isSchema reports whether a row is one of SQLite's own table, which has the definitions of all.
func isSchema(content []byte) bool {
	types, body := serialTypes(content, 5)
	if types == nil {
		return false
	}
	kind, _, ok := cutValue(types[0], body)
	return ok && slices.Contains([]string{"table", "index", "view", "trigger"}, string(kind))
}

// serialTypes are the types of a row's columns, and what follows them; nil if they are not so
// many.
func serialTypes(content []byte, count int) (types []uint64, body []byte) {
	size, rest := varint(content)
	if rest == nil || size > uint64(len(content)) {
		return nil, nil
	}
	body = content[size:]
	head := rest[:max(0, len(rest)-len(body))]
	for len(head) > 0 {
		var kind uint64
		if kind, head = varint(head); head == nil {
			return nil, nil
		}
		if types = append(types, kind); len(types) > count {
			return nil, nil
		}
	}
	if len(types) != count {
		return nil, nil
	}
	return types, body
}

// isRecord reports whether the beginning of a row of that size may be that of an event or a
// payment: the pages of a long one are not read for nothing.
func isRecord(content []byte, size uint64) bool {
	for _, count := range []int{len(fileColumns(new(row))), len(paymentOrder)} {
		if types, body := serialTypes(content, count+1); types != nil {
			return hasSize(content, types, body, size)
		}
	}
	return false
}

// isIndexed is isRecord for the rows of indexes.
func isIndexed(content []byte, size uint64) bool {
	for count := 2; count <= mostIndexed; count++ {
		if types, body := serialTypes(content, count); types != nil {
			return hasSize(content, types, body, size)
		}
	}
	return false
}

// hasSize reports whether a row has that size by the types of its columns.
func hasSize(content []byte, types []uint64, body []byte, size uint64) bool {
	sum := uint64(len(content) - len(body)) //nolint:gosec // G115: a part of it
	for _, kind := range types {
		sum += sizeOf(kind)
	}
	return sum == size
}

// mostIndexed is how many columns a row of an index has at most, with the key that it leads to.
const mostIndexed = 5

// sizeOf is how many bytes a value of a type has.
func sizeOf(kind uint64) uint64 {
	if kind < 12 {
		return [12]uint64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}[kind]
	}
	return (kind - 12) / 2
}

// cutValue cuts the bytes of a value off.
func cutValue(kind uint64, body []byte) (value, rest []byte, ok bool) {
	size := sizeOf(kind)
	if size > uint64(len(body)) {
		return nil, nil, false
	}
	return body[:size], body[size:], true
}

func integer(b []byte) (n int64) {
	for i, c := range b {
		if i == 0 {
			n = int64(int8(c)) //nolint:gosec // G115: the sign
			continue
		}
		n = n<<8 | int64(c)
	}
	return n
}

// setField sets a part of a record, if the value has its type.
func setField(field any, kind uint64, value []byte) bool {
	isText, isNumber := kind >= 13 && kind%2 == 1, kind >= 1 && kind <= 6 || kind == 8 || kind == 9
	n := integer(value)
	if kind == 9 {
		n = 1
	}
	switch field := field.(type) {
	case *string:
		*field = string(value)
		return isText
	case *inbox.State:
		*field = inbox.State(value)
		return isText
	case *[]byte:
		*field = value
		return kind >= 12 && kind%2 == 0
	case *int:
		*field = int(n)
		return isNumber
	case *bool:
		*field = n != 0
		return isNumber
	case *store.Names:
		names, err := store.NamesOf(string(value))
		*field = names
		return isText && err == nil
	case *store.Time:
		*field = store.Time{}
		if kind != 0 {
			*field = store.TimeOf(n)
		}
		return kind == 0 || isNumber
	}
	return false
}

// indexKey is the key that the row of an index leads to; 0 if it cannot be one.
func indexKey(content []byte) uint64 {
	head, rest := varint(content)
	if rest == nil || head > uint64(len(content)) {
		return 0
	}
	body := content[head:]
	types := rest[:max(0, len(rest)-len(body))]
	key := uint64(0)
	for len(types) > 0 {
		var kind uint64
		if kind, types = varint(types); types == nil {
			return 0
		}
		value, rest, ok := cutValue(kind, body)
		if !ok {
			return 0
		}
		body, key = rest, 0
		if n := integer(value); kind >= 1 && kind <= 6 && n > 0 {
			key = uint64(n)
		}
		if kind == 9 {
			key = 1
		}
	}
	return key
}
