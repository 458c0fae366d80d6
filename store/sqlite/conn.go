package sqlite

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/galaxypay-sidecar/caddy-galaxypay/inbox"
	"github.com/galaxypay-sidecar/caddy-galaxypay/store"
)

// conn is a connection to the file. It belongs to one goroutine at a time.
type conn struct{ *sqlite.Conn }

// settings are those of every connection. An event is acknowledged when its commit returns, so
// the commit must be on the disk: synchronous is FULL. Checkpoints have a goroutine of their
// own. What is dropped is overwritten with zeros: a message that is gone shall be gone, and an
// old copy of a record must not be taken for a newer one if the file is damaged.
const settings = `
	PRAGMA synchronous = FULL;
	PRAGMA wal_autocheckpoint = 0;
	PRAGMA secure_delete = ON;
	PRAGMA cell_size_check = ON;
	PRAGMA trusted_schema = OFF;
	PRAGMA temp_store = MEMORY;
	PRAGMA cache_size = -%d`

// Sizes of the page caches, in KiB. The inner pages of all indexes of a million events fit into
// the writer's.
const (
	writerCache = 16 << 10
	readerCache = 2 << 10
)

// busyTimeout is how long a connection waits for another program, such as sqlite3, that holds
// the file's lock.
const busyTimeout = 5 * time.Second

// openConn opens an existing file.
func openConn(path string, flags sqlite.OpenFlags, cache int) (*conn, error) {
	var c *conn
	err := survive(func() error {
		opened, err := sqlite.OpenConn(path, flags)
		if err != nil {
			return err
		}
		opened.SetBusyTimeout(busyTimeout)
		c = &conn{opened}
		return c.script(fmt.Sprintf(settings, cache))
	})
	if err != nil {
		if c != nil {
			c.close()
		}
		return nil, classify(err)
	}
	return c, nil
}

// openMemory makes the tables in memory.
func openMemory() (*conn, error) {
	c, err := openConn(":memory:", sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenMemory, readerCache)
	if err != nil {
		return nil, err
	}
	return c, migrate(c)
}

func (c *conn) close() error { return survive(c.Close) }

// script runs statements, and ignores what they return.
func (c *conn) script(sql string) error {
	for sql = strings.TrimSpace(sql); sql != ""; sql = strings.TrimSpace(sql) {
		stmt, left, err := c.PrepareTransient(sql)
		if err != nil {
			return err
		}
		err = finish(stmt)
		if err := errors.Join(err, stmt.Finalize()); err != nil {
			return err
		}
		sql = sql[len(sql)-left:]
	}
	return nil
}

// run runs a statement to its end.
func (c *conn) run(sql string, bind ...any) error {
	stmt, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	bindAll(stmt, bind)
	return finish(stmt)
}

// finish runs a statement to its end, and makes it ready to be used again.
func finish(stmt *sqlite.Stmt) error {
	for {
		more, err := stmt.Step()
		if err != nil {
			return err
		}
		if !more {
			return stmt.Reset()
		}
	}
}

// number reads one number; 0 if there is no row, or NULL.
func (c *conn) number(sql string, bind ...any) (n int, err error) {
	err = c.each(sql, bind, func(stmt *sqlite.Stmt) (bool, error) {
		n = stmt.ColumnInt(0)
		return true, nil
	})
	return n, err
}

// texts reads pairs of texts.
func (c *conn) texts(sql string) (map[string]string, error) {
	texts := map[string]string{}
	err := c.each(sql, nil, func(stmt *sqlite.Stmt) (bool, error) {
		texts[stmt.ColumnText(0)] = stmt.ColumnText(1)
		return true, nil
	})
	return texts, err
}

// each calls visit for each row of a query, until it returns false.
func (c *conn) each(sql string, bind []any, visit func(*sqlite.Stmt) (bool, error)) error {
	stmt, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	bindAll(stmt, bind)
	return eachRow(stmt, visit)
}

// eachNamed is each for a statement with names for its parameters.
func (c *conn) eachNamed(sql string, args store.Args, visit func(*sqlite.Stmt) (bool, error)) error {
	stmt, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	for i := 1; i <= stmt.BindParamCount(); i++ {
		bind(stmt, i, args[stmt.BindParamName(i)[1:]])
	}
	return eachRow(stmt, visit)
}

func eachRow(stmt *sqlite.Stmt, visit func(*sqlite.Stmt) (bool, error)) error {
	for {
		more, err := stmt.Step()
		if err != nil {
			return err
		}
		if !more {
			return stmt.Reset()
		}
		if more, err = visit(stmt); err != nil || !more {
			return errors.Join(err, stmt.Reset())
		}
	}
}

func bindAll(stmt *sqlite.Stmt, values []any) {
	for i, value := range values {
		bind(stmt, i+1, value)
	}
}

// bind sets a parameter to a value, or to what a pointer of store.EventFields or
// store.PaymentFields leads to.
func bind(stmt *sqlite.Stmt, i int, value any) {
	switch value := value.(type) {
	case string:
		stmt.BindText(i, value)
	case *string:
		stmt.BindText(i, *value)
	case *inbox.State:
		stmt.BindText(i, string(*value))
	case *[]byte:
		stmt.BindBytes(i, *value)
	case []byte:
		stmt.BindBytes(i, value)
	case int:
		stmt.BindInt64(i, int64(value))
	case *int:
		stmt.BindInt64(i, int64(*value))
	case int64:
		stmt.BindInt64(i, value)
	case uint32:
		stmt.BindInt64(i, int64(value))
	case uint64:
		stmt.BindInt64(i, int64(value)) //nolint:gosec // G115: SQLite's numbers are below 2^63
	case *uint64:
		stmt.BindInt64(i, int64(*value)) //nolint:gosec // G115: as above
	case *bool:
		stmt.BindBool(i, *value)
	case *store.Names:
		stmt.BindText(i, value.Text())
	case *store.Time:
		bind(stmt, i, *value)
	case store.Time:
		if micros, ok := value.Micros(); ok {
			stmt.BindInt64(i, micros)
		} else {
			stmt.BindNull(i)
		}
	default:
		panic(fmt.Sprintf("a parameter of type %T", value))
	}
}

// column reads a column into a pointer of store.EventFields or store.PaymentFields. What is no
// list of names is read as none: the checksum shows it.
func column(stmt *sqlite.Stmt, i int, field any) {
	switch field := field.(type) {
	case *string:
		*field = stmt.ColumnText(i)
	case *inbox.State:
		*field = inbox.State(stmt.ColumnText(i))
	case *[]byte:
		*field = make([]byte, stmt.ColumnLen(i))
		stmt.ColumnBytes(i, *field)
	case *int:
		*field = stmt.ColumnInt(i)
	case *uint64:
		*field = uint64(stmt.ColumnInt64(i)) //nolint:gosec // G115: a number that was written as uint64
	case *bool:
		*field = stmt.ColumnInt64(i) != 0
	case *store.Names:
		*field, _ = store.NamesOf(stmt.ColumnText(i))
	case *store.Time:
		*field = store.Time{}
		if !stmt.ColumnIsNull(i) {
			*field = store.TimeOf(stmt.ColumnInt64(i))
		}
	default:
		panic(fmt.Sprintf("a column of type %T", field))
	}
}

// survive turns panics into errors. SQLite was translated to Go: what C code does wrong with a
// damaged file becomes a panic, or a fault that would end the process.
func survive(run func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: SQLite stopped: %v", errBroken, p)
		}
	}()
	return run()
}

// classify marks the errors of SQLite that need more than to be passed on.
func classify(err error) error {
	code := sqlite.ErrCode(err)
	switch code.ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultConstraint:
		// What is written fits all constraints, if what is there does.
		return fmt.Errorf("%w: %w", errDamaged, err)
	case sqlite.ResultFull:
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	case sqlite.ResultIOErr:
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	return err
}
