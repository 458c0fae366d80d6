package sqlite

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFUSEKind(t *testing.T) {
	const mounts = `22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw
40 22 0:50 / /mnt/a rw shared:3 - fuse.sshfs me@host:/dir rw,user_id=0
41 22 0:51 / /mnt/b rw - fuse.fuse-overlayfs fuse-overlayfs rw
42 22 0:52 / /mnt/c rw - fuse.s3fs s3fs rw
`
	for device, expected := range map[string]string{"0:50": "fuse.sshfs", "0:51": "", "0:52": "fuse.s3fs", "0:99": "fuse"} {
		if kind := fuseKind(bufio.NewScanner(strings.NewReader(mounts)), device); kind != expected {
			t.Errorf("device %s: %q, expected %q", device, kind, expected)
		}
	}
}

func TestLocalDirectoryIsTaken(t *testing.T) {
	if err := refuseFileSystem(t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestFileSystemsThatKeepNothing(t *testing.T) {
	for number, kind := range map[uint32]string{unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs", unix.NFS_SUPER_MAGIC: "nfs", unix.CIFS_SUPER_MAGIC: "cifs"} {
		if err := refuseKind("/", number); err == nil || !strings.Contains(err.Error(), kind) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := refuseKind("/", unix.EXT4_SUPER_MAGIC); err != nil {
		t.Errorf("ext4: %v", err)
	}
}

// Nothing is made on a file system in memory.
func TestMemoryIsRefused(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "store-") //nolint:usetesting // it has to be there
	var fs unix.Statfs_t
	if err == nil {
		defer os.RemoveAll(dir)
		err = unix.Statfs(dir, &fs)
	}
	if err != nil || fs.Type != unix.TMPFS_MAGIC {
		skipUnlessRequired(t, "there is no tmpfs at /dev/shm")
	}
	_, err = Open(filepath.Join(dir, "store.db"), nil)
	if err == nil || !strings.Contains(err.Error(), "in memory (tmpfs)") || !strings.Contains(err.Error(), dir) {
		t.Errorf("opened: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("there is %v, %v", left, err)
	}
}

// skipUnlessRequired skips a test that this machine cannot run, or fails it if REQUIRE_ALL=1 is
// set.
func skipUnlessRequired(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
