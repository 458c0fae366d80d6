package bolt

import (
	"bufio"
	"strings"
	"testing"
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
	if err := refuseNetwork(t.TempDir()); err != nil {
		t.Error(err)
	}
}
