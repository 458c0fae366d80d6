package sandbox

import "time"

// vietnam is UTC+7 the whole year. The documents name no time zone; the gateway's own
// Node.js sample converts to this one.
var vietnam = time.FixedZone("UTC+7", 7*60*60)

// stamp writes a time the way the gateway does, yyyyMMddHHmmss.
func stamp(t time.Time) string {
	return t.In(vietnam).Format("20060102150405")
}
