package ledger

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/operation"
)

// comparedFields are the members of requestData, beside the amounts, in which two calls under
// one requestID must agree. Date-times, texts and addresses are not among them: apps make those
// fresh for a retry. Nor is any member with card data or a token: such a value has so few
// possibilities that its hash gives it away.
var comparedFields = []string{
	"apiOperation", "orderID", "transactionID", "orderCurrency",
	"paymentMethod", "sourceType", "sourceOfFund", "isAutoCapture", "subMerchant",
}

// Fingerprint is a hash of what makes two calls the same: the operation, with its path where it
// is not in the catalogue, and the members of requestData that say what is paid and how. A
// member that is null or "" counts as left out, and numbers and texts mean the same.
func Fingerprint(op *operation.Operation, data []rawjson.Member) string {
	text := strconv.Quote(op.Name)
	if op.Name == operation.Other {
		text += strconv.Quote(op.Path)
	}
	sum := sha256.Sum256([]byte(text + canonicalObject(compared(data))))
	return hex.EncodeToString(sum[:])
}

// compared are the members that a fingerprint holds.
func compared(data []rawjson.Member) []rawjson.Member {
	var members []rawjson.Member
	for _, m := range data {
		if isAmount(m.Name) || slices.Contains(comparedFields, string(m.Name)) {
			members = append(members, m)
		}
	}
	return members
}

func isAmount(name []byte) bool { return bytes.HasSuffix(name, []byte("Amount")) }

// canonicalObject writes an object so that two that mean the same are the same text, and no others are.
func canonicalObject(members []rawjson.Member) string {
	members = slices.DeleteFunc(slices.Clone(members), func(m rawjson.Member) bool { return operation.IsEmpty(m.Value) })
	slices.SortFunc(members, func(a, b rawjson.Member) int { return bytes.Compare(a.Name, b.Name) })
	var b strings.Builder
	b.WriteString("{")
	for _, m := range members {
		b.WriteString(strconv.Quote(string(m.Name)) + ":" + canonical(m.Value, isAmount(m.Name)) + ",")
	}
	return b.String() + "}"
}

func canonical(value []byte, isAmount bool) string {
	text := rawjson.Scalar(value)
	if amount, ok := amountOf(text); ok && isAmount {
		return strconv.Quote(amount.RatString())
	}
	if members, err := rawjson.Members(value); err == nil {
		return canonicalObject(members)
	}
	if value[0] != '[' { // true and "true" mean the same
		return strconv.Quote(cmp.Or(text, string(value)))
	}
	var b strings.Builder
	b.WriteString("[")
	for _, element := range rawjson.Elements(value) {
		b.WriteString(canonical(element, isAmount) + ",")
	}
	return b.String() + "]"
}
