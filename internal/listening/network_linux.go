package listening

import (
	"os"
	"strings"
	"sync"
)

// network names the network namespace of this process. Two namespaces share no port.
var network = sync.OnceValue(func() string {
	link, err := os.Readlink("/proc/self/ns/net") // net:[4026531840]
	if err != nil {
		return ""
	}
	return strings.Trim(link, "net:[]")
})
