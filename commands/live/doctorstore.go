package live

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// How much room the disk of a store should have, in bytes.
const (
	roomWarn = 1 << 30
	roomFail = 100 << 20
)

// checkStore looks at the file of the store without opening it: the sidecar may have it open.
func (d *diagnosis) checkStore(facts Facts) {
	const name = "store"
	switch {
	case facts.StoreError != "":
		d.add(name, "", fail, both("its options are refused: %s", "tùy chọn bị từ chối: %s", facts.StoreError),
			both("Correct the option store.", "Hãy sửa tùy chọn store."))
	case facts.StoreEngine == "":
		d.add(name, "", warn, both("there is none: calls are not recorded, and IPNs are not kept", "không có: lời gọi không được ghi lại, IPN không được giữ"),
			both("Add store to the global option.", "Hãy thêm store vào tùy chọn toàn cục."))
	case facts.StoreEngine != "sqlite":
		d.add(name, facts.StoreName, unknown, both("doctor does not connect to a database", "doctor không kết nối tới cơ sở dữ liệu"),
			both("Ask the running sidecar: galaxypay_health has a check of the store.", "Hãy hỏi sidecar đang chạy: galaxypay_health có mục kiểm tra store."))
	default:
		d.checkFile(facts.StoreName)
	}
}

func (d *diagnosis) checkFile(path string) {
	const name = "store"
	place, err := existing(path)
	if err == nil {
		err = writable(place)
	}
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		d.add(name, path, unknown, both("doctor cannot tell on this system whether it can be written to", "trên hệ điều hành này doctor không biết có ghi được không"),
			both("Start the sidecar; it says so.", "Hãy khởi động sidecar; nó sẽ báo."))
	case err != nil:
		d.add(name, path, fail, both("%s cannot be written to by the user of this command: %v", "người dùng chạy lệnh này không ghi được vào %s: %v", place, err),
			both("Run doctor as the user of the sidecar, or let that user write there.", "Hãy chạy doctor bằng người dùng của sidecar, hoặc cấp quyền ghi cho người dùng đó."))
	default:
		d.add(name, path, pass, both("it can be written to by the user of this command", "người dùng chạy lệnh này ghi được"), nothing)
	}
	d.checkRoom(place)
}

// existing is the file, or else the nearest folder above it that is there.
func existing(path string) (string, error) {
	for {
		_, err := os.Stat(path)
		if !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return path, err
		}
		path = filepath.Dir(path)
	}
}

func (d *diagnosis) checkRoom(place string) {
	const name = "disk"
	free, err := roomAt(place)
	if err != nil {
		d.add(name, place, unknown, both("its free room cannot be read: %v", "không đọc được dung lượng trống: %v", err),
			both("Look at it with the tools of the system.", "Hãy xem bằng công cụ của hệ điều hành."))
		return
	}
	status, next := pass, nothing
	if free < roomWarn {
		status, next = warn, both("Free some: without room, IPNs get 503.", "Hãy giải phóng dung lượng: hết chỗ thì IPN nhận 503.")
	}
	if free < roomFail {
		status = fail
	}
	d.add(name, place, status, both("%d MiB are free", "còn trống %d MiB", free>>20), next)
}
