package sqlite

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// inMemory are the file systems, by the magic numbers of statfs, that are empty after a restart
// of the machine, or of the container.
var inMemory = map[uint32]string{
	unix.TMPFS_MAGIC: "tmpfs",
	unix.RAMFS_MAGIC: "ramfs",
}

// networks are the file systems, by the magic numbers of statfs, on which locks, fsync or
// memory maps do not do what a database needs of them.
var networks = map[uint32]string{
	unix.NFS_SUPER_MAGIC:  "nfs",
	unix.SMB_SUPER_MAGIC:  "smb",
	unix.CIFS_SUPER_MAGIC: "cifs",
	unix.SMB2_SUPER_MAGIC: "smb2",
	unix.V9FS_MAGIC:       "9p",
	unix.AFS_SUPER_MAGIC:  "afs",
	unix.AFS_FS_MAGIC:     "afs",
	unix.CODA_SUPER_MAGIC: "coda",
	unix.CEPH_SUPER_MAGIC: "ceph",
}

// localFUSE are FUSE file systems that keep their files on this machine.
var localFUSE = []string{"fuse", "fuseblk", "fuse.fuse-overlayfs"}

// refuseFileSystem fails if a directory is in memory or on another machine.
func refuseFileSystem(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("file system of %s: %w", dir, err)
	}
	return refuseKind(dir, uint32(s.Type)) //nolint:gosec // G115: the magic numbers have 32 bits
}

func refuseKind(dir string, number uint32) error {
	if kind := inMemory[number]; kind != "" {
		return fmt.Errorf("it is on a file system in memory (%s), which loses everything when the machine or the container restarts; keep it on a disk, in a container on a volume", kind)
	}
	kind := networks[number]
	if number == unix.FUSE_SUPER_MAGIC {
		kind = remoteFUSE(dir)
	}
	if kind != "" {
		return fmt.Errorf("it is on a network file system (%s), where no write is certain; keep it on a local disk, or use store postgres", kind)
	}
	return nil
}

// remoteFUSE is the kind of the FUSE file system at a directory, sshfs or s3fs for example,
// unless it is a local one.
func remoteFUSE(dir string) string {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "fuse"
	}
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "fuse"
	}
	defer mounts.Close()
	return fuseKind(bufio.NewScanner(mounts), fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)))
}

// fuseKind reads lines of mountinfo: "36 35 98:0 / /mnt rw - fuse.sshfs host:/dir rw".
func fuseKind(mounts *bufio.Scanner, device string) string {
	for mounts.Scan() {
		about, fs, _ := strings.Cut(mounts.Text(), " - ")
		fields := strings.Fields(about)
		if len(fields) < 3 || fields[2] != device {
			continue
		}
		if kind, _, _ := strings.Cut(fs, " "); !slices.Contains(localFUSE, kind) {
			return kind
		}
		return ""
	}
	return "fuse"
}
