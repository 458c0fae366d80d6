package sandbox

import (
	"regexp"
	"time"
)

// vietnam is UTC+7 the whole year. The documents name no time zone; the gateway's own
// Node.js sample converts to this one.
var vietnam = time.FixedZone("UTC+7", 7*60*60)

const stampLayout = "20060102150405"

// stamp writes a time the way the gateway does, yyyyMMddHHmmss.
func stamp(t time.Time) string {
	return t.In(vietnam).Format(stampLayout)
}

var stamped = regexp.MustCompile(`"responseDateTime":"([0-9]{14})"`)

// dayBefore moves the time of a message back by one day.
func dayBefore(text []byte) []byte {
	return stamped.ReplaceAllFunc(text, func(member []byte) []byte {
		then, err := time.Parse(stampLayout, string(stamped.FindSubmatch(member)[1]))
		if err != nil {
			return member
		}
		return []byte(`"responseDateTime":"` + then.AddDate(0, 0, -1).Format(stampLayout) + `"`)
	})
}
