//go:build linux

package crashtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The file layer of the power cut test. Seccomp's user notifications show the parent every
// system call of a child that can change or sync a file. The parent records them in their
// order, together with the child's reports, and so knows at each moment what a disk must hold.
// The test assumes only that the store writes with the calls of watched; a call that the model
// does not support makes the test fail.
//
// A sync does not reach the real disk. It is answered, and counts, after the child has done
// nothing else for a moment: so the test finds a store that acknowledges during a sync.

// watched are the system calls that change files.
var watched = []uint32{
	unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_FTRUNCATE, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_OPENAT,
	unix.SYS_WRITEV, unix.SYS_PWRITEV, unix.SYS_PWRITEV2, unix.SYS_FALLOCATE, unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE,
	unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT, unix.SYS_LINKAT, unix.SYS_SYNC, unix.SYS_SYNC_FILE_RANGE,
}

// notification and answer are seccomp_notif and seccomp_notif_resp of linux/seccomp.h.
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    uint32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

type answer struct {
	id    uint64
	val   int64
	error int32
	flags uint32
}

// traceSyscalls makes the calling process notify the other end of a socket of every watched
// call, until it ends.
func traceSyscalls(socket int) error {
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the number of the call
	watched := append(slices.Clone(watched), oldCalls...)
	for i, nr := range watched {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jt: uint8(len(watched) - i)})
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
		unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV // else Go's preemption signals would break calls off and repeat them
	listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return unix.Sendmsg(socket, []byte{0}, unix.UnixRights(int(listener)), nil, 0)
}

// step is one thing that a child did, as its disk or its parent sees it.
type step struct {
	report string            // a line, or else
	file   string            // what the following is done to: a file, or the folder
	names  map[string]string // of the folder: name to file, "" if the name is removed; or
	offset int64
	data   []byte // written; or
	size   int64  // set, if not -1; or
	synced bool   // all that was done to the file in the first upTo steps is on the disk
	upTo   int
}

// folder stands for the folder among the files.
const folder = "."

// watcher records what a child does to the files of a folder.
type watcher struct {
	dir      string
	names    map[string]string // name to file, as the child sees them
	listener int
	reports  string // what /proc calls the pipe of the reports
	steps    []step
	syncs    []pendingSync
	line     []byte
}

type pendingSync struct {
	id   uint64
	step step
}

// watch runs a child on a folder, and returns its steps when it has ended.
func watch(t *testing.T, dir string, o orders, more ...*os.File) []step {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "watcher"), os.NewFile(uintptr(pair[1]), "child")
	defer ours.Close()
	o.OnDisk = true
	p := start(t.Context(), t, o, append([]*os.File{theirs}, more...)...)
	_ = theirs.Close()
	w := &watcher{dir: dir, names: map[string]string{}}
	for name := range readDisk(t, dir).names {
		w.names[name] = name
	}
	if w.listener, err = receive(ours); err != nil {
		_ = p.Process.Kill()
		_ = p.Wait()
		t.Fatalf("%v\n%s", err, &p.stderr)
	}
	defer unix.Close(w.listener)
	if w.reports, err = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.Process.Pid, reportsPipe)); err != nil {
		t.Fatal(err)
	}
	go func() {
		var sink [4096]byte
		for {
			if _, err := p.reports.Read(sink[:]); err != nil { // the steps hold the reports too
				return
			}
		}
	}()
	err = w.run()
	if err != nil {
		_ = p.Process.Kill()
	}
	if ended := p.Wait(); err != nil || ended != nil {
		t.Fatalf("watching: %v; the child: %v\n%s", err, ended, &p.stderr)
	}
	return w.steps
}

// receive receives the listener that traceSyscalls sends.
func receive(socket *os.File) (int, error) {
	c, err := net.FileConn(socket)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var b, rights [64]byte
	_, n, _, _, err := c.(*net.UnixConn).ReadMsgUnix(b[:1], rights[:])
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return 0, fmt.Errorf("the child sent no listener: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return fds[0], nil
}

// run serves a child's calls until it ends.
func (w *watcher) run() error {
	for {
		timeout := -1
		if len(w.syncs) > 0 {
			timeout = 1
		}
		poll := []unix.PollFd{{Fd: int32(w.listener), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, timeout)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n == 0:
			err = w.endSyncs()
		case poll[0].Revents&unix.POLLIN != 0:
			err = w.serve()
		default:
			return nil // the child has ended
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (w *watcher) serve() error {
	var n notification
	if err := w.ioctl(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
		if errors.Is(err, unix.ENOENT) { // it was killed
			return nil
		}
		return err
	}
	isSync, err := w.record(&n)
	if err != nil || isSync {
		return err
	}
	return w.answer(answer{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE})
}

// endSyncs answers the syncs of the child.
func (w *watcher) endSyncs() error {
	for _, s := range w.syncs {
		w.steps = append(w.steps, s.step)
		if err := w.answer(answer{id: s.id}); err != nil {
			return err
		}
	}
	w.syncs = w.syncs[:0]
	return nil
}

func (w *watcher) answer(a answer) error {
	err := w.ioctl(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a))
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

func (w *watcher) ioctl(request uintptr, arg unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(w.listener), request, uintptr(arg))
	if errno != 0 {
		return errno
	}
	return nil
}

// record records a call. It reports whether the call is a sync, which is answered later.
func (w *watcher) record(n *notification) (isSync bool, err error) {
	n.modernise()
	pid := int(n.pid)
	switch n.nr {
	case unix.SYS_OPENAT, unix.SYS_LINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT:
		return false, w.recordNames(pid, n)
	case unix.SYS_SYNC:
		return false, errors.New("sync is called, which the model does not support")
	}
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, int32(n.args[0])))
	if err != nil {
		return false, nil //nolint:nilerr // a descriptor that is not open: the call fails by itself
	}
	if target == w.reports {
		text, err := memory(pid, n.args[1], n.args[2])
		w.recordReports(text)
		return false, err
	}
	name, ok := w.inside(target)
	if !ok {
		return false, nil
	}
	file := w.names[name]
	if name == folder {
		file = folder
	}
	if file == "" {
		return false, fmt.Errorf("system call %d on %s, which has no name", n.nr, name)
	}
	switch n.nr {
	case unix.SYS_PWRITE64:
		data, err := memory(pid, n.args[1], n.args[2])
		w.steps = append(w.steps, step{file: file, data: data, offset: int64(n.args[3]), size: -1})
		return false, err
	case unix.SYS_FTRUNCATE:
		w.steps = append(w.steps, step{file: file, size: int64(n.args[1])})
		return false, nil
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		w.syncs = append(w.syncs, pendingSync{n.id, step{file: file, size: -1, synced: true, upTo: len(w.steps)}})
		return true, nil
	}
	return false, fmt.Errorf("system call %d on %s, which the model does not support", n.nr, file)
}

// recordReports splits what is written to the pipe into lines.
func (w *watcher) recordReports(text []byte) {
	w.line = append(w.line, text...)
	for {
		line, rest, ok := strings.Cut(string(w.line), "\n")
		if !ok {
			return
		}
		w.steps = append(w.steps, step{report: line, size: -1})
		w.line = []byte(rest)
	}
}

// recordNames records how the names in the folder change. A call that will fail changes none.
func (w *watcher) recordNames(pid int, n *notification) error {
	name, err := w.path(pid, n.args[1])
	if err != nil || name == "" {
		return err
	}
	file, exists := w.names[name]
	changes := map[string]string{}
	switch n.nr {
	case unix.SYS_OPENAT:
		if exists || n.args[2]&unix.O_CREAT == 0 {
			return nil
		}
		changes[name] = fmt.Sprintf("%s of step %d", name, len(w.steps))
	case unix.SYS_UNLINKAT:
		changes[name] = ""
	default:
		to, err := w.path(pid, n.args[3])
		if err != nil || to == "" {
			return fmt.Errorf("%s gets a name elsewhere: %w", name, err)
		}
		if n.nr == unix.SYS_LINKAT {
			if w.names[to] != "" {
				return nil
			}
		} else {
			changes[name] = ""
		}
		changes[to] = file
	}
	rename(w.names, changes)
	w.steps = append(w.steps, step{file: folder, names: changes, size: -1})
	return nil
}

func rename(names, changes map[string]string) {
	for name, file := range changes {
		if file == "" {
			delete(names, name)
		} else {
			names[name] = file
		}
	}
}

// path reads a name that a child gives to a call, "" if it is not in the folder.
func (w *watcher) path(pid int, address uint64) (string, error) {
	text, err := memory(pid, address, 256)
	if err != nil {
		return "", err
	}
	path, _, _ := strings.Cut(string(text), "\x00")
	name, ok := w.inside(path)
	if !ok || name == folder {
		return "", nil
	}
	return name, nil
}

func (w *watcher) inside(path string) (file string, ok bool) {
	file, err := filepath.Rel(w.dir, path)
	return file, err == nil && !strings.HasPrefix(file, "..")
}

// memory reads the memory of a process that waits for an answer.
func memory(pid int, address, length uint64) ([]byte, error) {
	buf := make([]byte, length)
	if length == 0 {
		return buf, nil
	}
	n, err := unix.ProcessVMReadv(pid, []unix.Iovec{{Base: &buf[0], Len: length}}, []unix.RemoteIovec{{Base: uintptr(address), Len: int(length)}}, 0)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}
