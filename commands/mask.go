package commands

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/rawjson"
	"github.com/galaxypay-sidecar/caddy-galaxypay/internal/secret"
)

// hidden are the members of messages that are masked: card data, tokens, and who pays. Names are in lower case.
var hidden = map[string]bool{
	"cardnumber": true, "cardverificationvalue": true, "cardholdername": true, "cardexpiredate": true, "cardissuedate": true,
	"cvv": true, "token": true, "accountnumber": true, "accountname": true,
	"fullname": true, "phone": true, "email": true, "shippingaddress": true, "address": true,
	"customername": true, "customeremail": true, "customerphone": true, "customeraddress": true,
}

// numbers are members that hold long numbers which are no card's.
var numbers = map[string]bool{
	"requestid": true, "orderid": true, "orderno": true, "ordernumber": true, "transactionid": true,
	"responsedatetime": true, "transactiondatetime": true, "orderdatetime": true, "requestdatetime": true,
}

const mask = `"***"`

// cardInText is what may be the number of a card among other text.
var cardInText = regexp.MustCompile(`[0-9](?:[ .-]?[0-9]){12,18}`)

// withoutPersons replaces the values of hidden members, and whatever is the number of a card, in a JSON object that the core has read.
func withoutPersons(object []byte) []byte {
	decoder := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	var kept bytes.Buffer
	done, name := int64(0), ""
	for {
		if kind := decoder.PeekKind(); kind != '"' && kind != '0' && !hidden[name] {
			if _, err := decoder.ReadToken(); err != nil {
				break
			}
			name = ""
			continue
		}
		value, err := decoder.ReadValue()
		if err != nil {
			break
		}
		if isName(decoder) {
			text, _ := rawjson.Unquote(value)
			name = strings.ToLower(string(text))
			continue
		}
		end := decoder.InputOffset()
		kept.Write(object[done : end-int64(len(value))])
		kept.Write(masked(name, value))
		done, name = end, ""
	}
	kept.Write(object[done:])
	return kept.Bytes()
}

// isName reports whether what was read last is the name of an object's member.
func isName(decoder *jsontext.Decoder) bool {
	kind, length := decoder.StackIndex(decoder.StackDepth())
	return kind == '{' && length%2 == 1
}

// masked is the value of a member without what may not be shown of it. An object may stand in a string.
func masked(name string, value []byte) []byte {
	switch text, isString := rawjson.Unquote(value); {
	case hidden[name]:
		return []byte(mask)
	case isString && rawjson.IsObject(text):
		quoted, _ := jsontext.AppendQuote(nil, withoutPersons(text))
		return quoted
	case numbers[name]:
		return value
	case isString:
		return cardInText.ReplaceAllFunc(value, withoutCard)
	case secret.IsCardNumber(string(value)):
		return []byte(mask)
	}
	return value
}

func withoutCard(digits []byte) []byte {
	if secret.IsCardNumber(string(digits)) {
		return []byte("***")
	}
	return digits
}
