package operation

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rows of the gateway's own tables, copied by hand in their words: type(length),
// M for mandatory, O for optional, C for conditional, then what is taken. A dash
// means that the tables do not say.
var published = map[string]string{
	"pay": `
		apiVersion            Numeric(5)        O 1 2
		apiOperation          Alpha(20)         M PAY
		orderID               Alphanumeric(50)  M
		orderNumber           Alphanumeric(20)  O
		orderAmount           Numeric(16)       M
		orderCurrency         Alpha(3)          M
		orderDateTime         Numeric(14)       M
		orderDescription      Alphanumeric(250) M
		paymentMethod         Alpha(20)         M DOMESTIC INTERNATIONAL WALLET HUB QRPAY BNPL
		sourceType            Alphanumeric(20)  C
		language              Alpha(2)          O vi en
		isAutoCapture         Alpha(20)         O true false
		successURL            Alphanumeric(500) O
		failureURL            Alphanumeric(500) O
		cancelURL             Alphanumeric(500) O
		ipnURL                Alphanumeric(500) O
		subMerchant           Object            O
		subMerchant.identifier String(50)       O
		sourceOfFund          Alpha(50)         O CARD TOKEN
		cardNumber            Numeric(19)       C
		cardHolderName        Alphanumeric(19)  C
		cardExpireDate        Alphanumeric(5)   C
		cardVerificationValue Numeric(3)        C
		token                 Alphanumeric(50)  C
		extraData             Object            O`,
	"payWithCreateToken": `
		apiVersion            Numeric(5)        O 1 2
		apiOperation          Alpha(20)         M PAY_WITH_CREATE_TOKEN
		orderID               Alphanumeric(50)  M
		orderNumber           Alphanumeric(20)  O
		orderAmount           Numeric(16)       M
		orderCurrency         Alpha(3)          M
		orderDateTime         Numeric(14)       M
		orderDescription      Alphanumeric(250) M
		paymentMethod         Alpha(20)         M DOMESTIC INTERNATIONAL
		sourceType            Alphanumeric(20)  O
		language              Alpha(2)          O vi en
		isAutoCapture         Alpha(20)         O true false
		successURL            Alphanumeric(500) O
		failureURL            Alphanumeric(500) O
		cancelURL             Alphanumeric(500) O
		ipnURL                Alphanumeric(500) O
		sourceOfFund          Alpha(50)         O CARD
		cardNumber            Numeric(19)       C
		cardHolderName        Alphanumeric(19)  C
		cardExpireDate        Alphanumeric(5)   C
		cardVerificationValue Numeric(3)        C`,
	"payWithToken": `
		apiVersion            Numeric(5)        O 1 2
		apiOperation          Alpha(20)         M PAY
		orderID               Alphanumeric(50)  M
		orderNumber           Alphanumeric(20)  O
		orderAmount           Numeric(16)       M
		orderCurrency         Alpha(3)          M
		orderDateTime         Numeric(14)       M
		orderDescription      Alphanumeric(250) M
		paymentMethod         Alpha(20)         M DOMESTIC INTERNATIONAL
		language              Alpha(2)          O vi en
		isAutoCapture         Alpha(20)         O true false
		successURL            Alphanumeric(500) O
		failureURL            Alphanumeric(500) O
		cancelURL             Alphanumeric(500) O
		ipnURL                Alphanumeric(500) O
		sourceOfFund          Alpha(50)         M TOKEN
		token                 Alphanumeric(50)  M
		extraData             Object            O`,
	"payWithOption": `
		apiVersion            Numeric(5)        O 1 2
		apiOperation          Alpha(20)         M PAY PAY_WITH_CREATE_TOKEN
		orderID               Alphanumeric(50)  M
		orderNumber           Alphanumeric(20)  O
		orderAmount           Numeric(16)       M
		orderCurrency         Alpha(3)          M
		orderDateTime         Numeric(14)       M
		orderDescription      Alphanumeric(250) M
		language              Alpha(2)          O vi en
		successURL            Alphanumeric(500) O
		failureURL            Alphanumeric(500) O
		cancelURL             Alphanumeric(500) O
		ipnURL                Alphanumeric(500) O
		extraData             Object            O`,
	"payWithQR": `
		apiOperation          Alpha(20)         M PAY
		orderID               Alphanumeric(50)  M
		orderNumber           Alphanumeric(20)  O
		orderAmount           Numeric(16)       M
		orderCurrency         Alpha(3)          M
		orderDateTime         Numeric(14)       M
		orderDescription      Alphanumeric(250) M
		language              Alpha(2)          O vi en
		paymentMethod         Alpha(20)         M QRPAY WALLET
		sourceType            Alphanumeric(20)  M
		successURL            Alphanumeric(500) O
		failureURL            Alphanumeric(500) O
		cancelURL             Alphanumeric(500) O
		ipnURL                Alphanumeric(500) O
		subMerchant           Object            O
		subMerchant.identifier String(50)       O
		extraData             Object            O`,
	"checkout": `
		orderID               Alphanumeric(50)  M
		orderNumber           Alphanumeric(20)  O
		orderAmount           Numeric(16)       M
		orderNetAmount        Numeric(16)       M
		orderFeeAmount        Numeric(16)       M
		orderDiscountAmount   Numeric(16)       M
		orderCurrency         Alpha(3)          M
		orderDateTime         Numeric(14)       M
		orderDescription      Alphanumeric(250) M
		paymentMethod         Alphanumeric      M DOMESTIC INTERNATIONAL WALLET HUB QRPAY BNPL
		sourceType            Alphanumeric(20)  C
		language              Alpha(2)          O vi en
		customerToken         Alphanumeric      O
		extraData             Object            -`,
	"createPaymentLink": `
		orderID               Alphanumeric(50)  M
		orderName             Alphanumeric(250) M
		orderAmount           Numeric(16)       M
		orderCurrency         Alpha(3)          M
		orderDescription      Alphanumeric(250) M
		expiryDuration        Integer           M
		expiryUnit            Alpha             O DAY HOUR MINUTE
		paymentDays           Numeric(2)        M
		paymentMethods        Array             M
		paymentFields         Array             M
		ipnURL                Alphanumeric(500) O
		language              Alpha(2)          O vi en
		subMerchant           Object            O
		subMerchant.identifier String(50)       O`,
	"fastPay": `
		apiVersion            Numeric(5)        O 1 2
		apiOperation          Alpha(20)         M FAST_PAY
		orderID               Alphanumeric(50)  M
		orderNumber           Alphanumeric(20)  O
		orderAmount           Numeric(16)       M
		orderCurrency         Alpha(3)          M
		orderDateTime         Numeric(14)       M
		orderDescription      Alphanumeric(250) M
		paymentMethod         Alpha(20)         M INTERNATIONAL
		language              Alpha(2)          O vi en
		successURL            Alphanumeric(500) O
		failureURL            Alphanumeric(500) O
		cancelURL             Alphanumeric(500) O
		ipnURL                Alphanumeric(500) O
		sourceOfFund          Alpha(50)         O CARD TOKEN
		cardNumber            Numeric(19)       C`,
	"createToken": `
		paymentMethod         Alphanumeric(50)  M DOMESTIC INTERNATIONAL
		cardNumber            Numeric(19)       M
		cardHolderName        Alphanumeric(19)  M
		cardExpireDate        Alphanumeric(5)   M
		cardVerificationValue Numeric(3)        C`,
	"deleteToken": `
		token                 Alphanumeric(50)  M`,
	"queryTokens": `
		customerToken         Alphanumeric      M`,
	"removeToken": `
		token                 Alphanumeric(50)  M`,
	"query": `
		transactionID         Alphanumeric(50)  M`,
	"refund": `
		transactionID         Alphanumeric(50)  M
		orderID               Alphanumeric(50)  M
		orderAmount           Numeric(16)       M
		orderCurrency         Alpha(3)          M
		orderDateTime         Numeric(14)       M
		orderDescription      Alphanumeric(250) M`,
	"void":    ``, // the page is not stored
	"capture": ``, // only its head is
}

// The conditions of the rows marked C, and of those that can replace one another.
var publishedConditions = map[string]string{
	"pay sourceType":                    "paymentMethod not DOMESTIC INTERNATIONAL",
	"pay cardNumber":                    "sourceOfFund in CARD",
	"pay cardHolderName":                "sourceOfFund in CARD",
	"pay cardExpireDate":                "sourceOfFund in CARD",
	"pay token":                         "sourceOfFund in TOKEN",
	"payWithCreateToken cardNumber":     "sourceOfFund in CARD",
	"payWithCreateToken cardHolderName": "sourceOfFund in CARD",
	"payWithCreateToken cardExpireDate": "sourceOfFund in CARD",
	"checkout sourceType":               "paymentMethod not DOMESTIC INTERNATIONAL",
	"createPaymentLink expiryDuration":  "without paymentDays",
	"fastPay cardNumber":                "sourceOfFund in CARD",
	"createToken cardVerificationValue": "paymentMethod in INTERNATIONAL",
	"removeToken token":                 "without customerToken tokenID",
	// The guide asks for it with every card, the demo and createToken for international
	// cards only, and the published domestic test cards have none.
	"pay cardVerificationValue":                "sourceOfFund in CARD and paymentMethod in INTERNATIONAL",
	"payWithCreateToken cardVerificationValue": "sourceOfFund in CARD and paymentMethod in INTERNATIONAL",
}

// deviations are the places where the catalogue says something else than the table,
// always something wider, because another source contradicts the table.
var deviations = []string{
	"pay apiOperation: length",  // 21 characters in Alpha(20), on its sister page
	"pay isAutoCapture: length", // a truth value; a closed list anyway
	"payWithCreateToken isAutoCapture: length",
	"payWithToken isAutoCapture: length",
	"payWithCreateToken apiOperation: length",        //
	"payWithCreateToken extraData: not in the table", // cut; as on the sister pages
	"payWithToken apiOperation: length",
	"payWithToken sourceType: not in the table", // it is in the page's own sample
	"payWithOption apiOperation: length",
	"payWithQR apiOperation: length",
	"checkout paymentMethod: length", // none here, 20 elsewhere; a closed list anyway
	"createPaymentLink orderCurrency: requirement",
	"createPaymentLink expiryDuration: requirement",
	"createPaymentLink paymentDays: requirement",
	"fastPay apiOperation: length",
	"fastPay paymentMethod: values", // DOMESTIC in another row
	"fastPay cardHolderName: not in the table",
	"fastPay cardExpireDate: not in the table",
	"fastPay cardVerificationValue: not in the table",
	"fastPay token: not in the table",
	"void orderAmount: not in the table", "capture orderAmount: not in the table", // a part of the payment, should the gateway take one
	"fastPay extraData: not in the table",
	"createToken paymentMethod: length", // 50 here, 20 elsewhere; a closed list anyway
	"removeToken token: requirement",
	"removeToken customerToken: not in the table",
	"removeToken tokenID: not in the table",
	"void transactionID: not in the table",
	"capture transactionID: not in the table",
}

// Those of them that need no remark: no request is refused for them, or the remark would
// say no more than the source of the operation does.
var unremarked = []string{
	"payWithCreateToken extraData: not in the table",
	"payWithToken sourceType: not in the table",
	"fastPay extraData: not in the table",
	"createToken paymentMethod: length",
	"pay isAutoCapture: length",
	"payWithCreateToken isAutoCapture: length",
	"payWithToken isAutoCapture: length",
}

// row is one row of a published table.
type row struct {
	name, kind, mark string
	length           int
	values           []string
}

var typeOf = regexp.MustCompile(`^(Numeric|Alpha|Alphanumeric|String|Integer|Object|Array)(?:\((\d+)\))?$`)

func rowsOf(t *testing.T, table string) []row {
	t.Helper()
	var rows []row
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		kind := typeOf.FindStringSubmatch(words[1])
		if kind == nil || len(words) < 3 {
			t.Fatalf("row %q", line)
		}
		length, _ := strconv.Atoi(kind[2])
		rows = append(rows, row{name: words[0], kind: kind[1], mark: words[2], length: length, values: words[3:]})
	}
	return rows
}

func TestTheCatalogueAgreesWithThePublishedTables(t *testing.T) {
	var found []string
	for _, op := range All() {
		table, ok := published[op.Name]
		if !ok {
			t.Errorf("%s has no table here", op.Name)
		}
		rows := rowsOf(t, table)
		for _, r := range rows {
			f := fieldAt(op.Request, r.name)
			if f == nil {
				t.Errorf("%s: %s is missing", op.Name, r.name)
				continue
			}
			deviates := func(what string) {
				text := op.Name + " " + r.name + ": " + what
				found = append(found, text)
				if f.Disputed == "" && !slices.Contains(unremarked, text) {
					t.Errorf("%s, and the catalogue does not say why", text)
				}
			}
			if f.Max != r.length {
				deviates("length")
			}
			if !r.sameRequirement(f, op.Name) {
				deviates("requirement")
			}
			if taken := append(slices.Clone(f.Values), strings.Fields(f.Fixed)...); !slices.Equal(taken, r.values) {
				deviates("values")
			}
			if !r.sameKind(f.Kind) {
				t.Errorf("%s: %s is %s in the table, %s here", op.Name, r.name, r.kind, f.Kind)
			}
		}
		for _, f := range op.Request {
			if !slices.ContainsFunc(rows, func(r row) bool { return r.name == f.Name }) {
				text := op.Name + " " + f.Name + ": not in the table"
				found = append(found, text)
				if f.Required || f.When != nil {
					t.Errorf("%s, and it is asked for", text)
				}
				if f.Disputed == "" && !slices.Contains(unremarked, text) {
					t.Errorf("%s, and the catalogue does not say why", text)
				}
			}
		}
	}
	slices.Sort(found)
	want := slices.Sorted(slices.Values(deviations))
	if !slices.Equal(found, want) {
		for _, d := range found {
			if !slices.Contains(want, d) {
				t.Errorf("the catalogue deviates: %s", d)
			}
		}
		for _, d := range want {
			if !slices.Contains(found, d) {
				t.Errorf("the catalogue does not deviate any more: %s", d)
			}
		}
	}
}

func fieldAt(fields []Field, path string) *Field {
	for i := range fields {
		if fields[i].Name == path {
			return &fields[i]
		}
		if strings.HasPrefix(strings.Replace(path, "[].", ".", 1), fields[i].Name+".") {
			return fieldAt(fields[i].Fields, path)
		}
	}
	return nil
}

func conditionInWords(c *Condition) string {
	if c == nil {
		return ""
	}
	words := c.Field + " in " + strings.Join(c.In, " ")
	switch {
	case c.Without != nil:
		words = "without " + strings.Join(c.Without, " ")
	case c.NotIn != nil:
		words = c.Field + " not " + strings.Join(c.NotIn, " ")
	}
	if c.And != nil {
		words += " and " + conditionInWords(c.And)
	}
	return words
}

func (r row) sameRequirement(f *Field, operation string) bool {
	condition := conditionInWords(f.When)
	if condition != publishedConditions[operation+" "+r.name] {
		return false
	}
	switch r.mark {
	case "M":
		return f.Required
	case "C":
		return !f.Required && condition != ""
	}
	return !f.Required && condition == ""
}

func (r row) sameKind(kind Kind) bool {
	switch r.kind {
	case "Object":
		return kind == KindObject
	case "Array":
		return kind == KindArray
	case "Integer":
		return kind == KindInteger
	}
	switch {
	case strings.HasSuffix(strings.ToLower(r.name), "currency"), strings.HasSuffix(r.name, "ccy_code"):
		return kind == KindCurrency
	case strings.HasSuffix(r.name, "DateTime"):
		return kind == KindTime
	case strings.HasSuffix(strings.ToLower(r.name), "amount"):
		return kind == KindAmount
	case r.name == "ipnURL":
		return kind == KindURL
	case strings.HasSuffix(r.name, "URL"):
		return kind == KindLink
	case r.name == "isAutoCapture":
		return kind == KindFlag
	case r.name == "paymentDays":
		return kind == KindInteger
	}
	return kind == KindText
}

// The table of extraData. Of the airline's part, whose samples contradict it throughout, there
// are only the amounts and their currencies, in both of its forms; services[].totalAmount is in
// the samples alone. Everything in it is optional.
const publishedExtraData = `
	customer                 Object            O
	customer.firstName       Alphanumeric(50)  O
	customer.lastName        Alphanumeric(50)  O
	customer.identityNumber  Numeric(50)       O
	customer.email           Alphanumeric(50)  O
	customer.phoneNumber     Numeric(50)       O
	customer.phoneType       Alpha(1)          O
	customer.gender          Alpha(1)          O
	customer.dateOfBirth     Numeric(8)        O
	customer.title           Alphanumeric(50)  O
	device                   Object            O
	device.browser           Alphanumeric(50)  O
	device.fingerprint       Alphanumeric(100) O
	device.hostName          Alphanumeric(50)  O
	device.ipAddress         Alphanumeric(50)  O
	device.deviceID          Alphanumeric(50)  O
	device.deviceModel       Alphanumeric(50)  O
	application              Object            O
	application.applicationID      Alphanumeric(50) O
	application.applicationChannel Alpha(50)        O
	airline                  Object            O
	airline.services               Array       O
	airline.services[].amount      Numeric(16) O
	airline.services[].totalAmount Numeric     O
	airline.services[].currency    Alpha       O
	payment_detail                 Array       O
	payment_detail[].amount        Numeric(12) O
	payment_detail[].ccy_code      Alpha       O
	billing                  Object            O
	billing.country          Alpha(2)          O
	billing.state            Alphanumeric(50)  O
	billing.city             Alphanumeric(50)  O
	billing.postalCode       Alphanumeric(50)  O
	billing.streetNumber     Alphanumeric(50)  O
	billing.address01        Alphanumeric(50)  O
	billing.address02        Alphanumeric(50)  O
	shipping                 Object            O
	shipping.country         Alpha(2)          O
	shipping.state           Alphanumeric(50)  O
	shipping.city            Alphanumeric(50)  O
	shipping.postalCode      Alphanumeric(50)  O
	shipping.streetNumber    Alphanumeric(50)  O
	shipping.address01       Alphanumeric(50)  O
	shipping.address02       Alphanumeric(50)  O`

func TestExtraDataAgreesWithThePublishedTable(t *testing.T) {
	wider := []string{"customer.phoneType", "customer.dateOfBirth"} // the samples are longer
	rows := rowsOf(t, publishedExtraData)
	for _, op := range All() {
		whole := fieldAt(op.Request, "extraData")
		if whole == nil {
			continue
		}
		listed := 0
		for _, r := range rows {
			f := fieldAt(op.Request, "extraData."+r.name)
			if f == nil {
				t.Errorf("%s: %s is missing", op.Name, r.name)
				continue
			}
			listed++
			if slices.Contains(wider, r.name) {
				if f.Max != 0 || f.Disputed == "" {
					t.Errorf("%s: %s has the length %d", op.Name, r.name, f.Max)
				}
				continue
			}
			if f.Max != r.length || f.Required || f.When != nil || f.Values != nil || f.Fixed != "" || !r.sameKind(f.Kind) {
				t.Errorf("%s: %s is %s", op.Name, r.name, fmt.Sprintf("%+v", *f))
			}
		}
		count := 0
		var walk func([]Field)
		walk = func(fields []Field) {
			count += len(fields)
			for i := range fields {
				walk(fields[i].Fields)
			}
		}
		walk(whole.Fields)
		if count != listed {
			t.Errorf("%s: extraData has %d fields, the table %d", op.Name, count, listed)
		}
	}
}

// Every code that a document or an official sample names, by list.
var publishedCodes = map[string]string{
	"responseCodes":  "200 400 401 408 409 499 502 503 504 505",
	"paymentMethods": "DOMESTIC INTERNATIONAL WALLET HUB QRPAY BNPL",
	"currencies":     "VND USD THB JPY INR TWD MYR SGD KRW KHR MMK IDR HKD CNY AUD",
	"banks": `SAIGONBANK SACOMBANK AGRIBANK DONGABANK TECHCOMBANK GPBANK BACABANK PVCOMBANK OCEANBANK VIETINBANK ACB
		BIDV NCB VRB MB TPBANK SHINHANBANK ABBANK MSB VIETABANK NAMABANK SCB PGBANK EXIMBANK VPBANK VIETBANK IVB
		VIETCOMBANK HDBANK BAOVIETBANK PUBLICBANK SEABANK VIB HONGLEONGBANK SHB OCB LIENVIETPOSTBANK KIENLONGBANK
		VIETCAPITALBANK KEBHANA WOORIBANK UOB VIETCREDIT MAFC`,
	"brands":        "VISA MASTER JCB AMEX",
	"wallets":       "MOMO ZALOPAY GALAXYPAY GPAY VIETTEL VIETEL",
	"hubs":          "2C2P POLI PAYTM",
	"qrProviders":   "QRPAY VNPAY",
	"bnplProviders": "KREDIVO",
	"stages":        "INIT PROCESSING SUCCESSFUL FAILURE",
	"ipnStatuses":   "200 404 409",
	"linkProviders": "GALAXYPAY MPGS QRPAY MOMO ZALOPAY NAPAS",
	"linkFields":    "email fullname phone shippingAddress",
}

// Only the lists that are the protocol itself are complete.
var publishedClosed = []string{"ipnStatuses", "responseCodes", "stages"}

func TestTheListsAgreeWithThePublishedCodes(t *testing.T) {
	for _, list := range Lists() {
		var codes []string
		for _, entry := range list.Codes {
			codes = append(codes, entry.Code)
		}
		if want := strings.Fields(publishedCodes[list.Name]); !slices.Equal(codes, want) {
			t.Errorf("%s is %q, want %q", list.Name, codes, want)
		}
		if list.Closed != slices.Contains(publishedClosed, list.Name) {
			t.Errorf("%s is closed: %t", list.Name, list.Closed)
		}
	}
	if len(Lists()) != len(publishedCodes) {
		t.Errorf("%d lists, want %d", len(Lists()), len(publishedCodes))
	}
	// A field takes the codes of its list and no others, or is open.
	if f := fieldAt(named(t, "pay").Request, "paymentMethod"); !slices.Equal(f.Values, strings.Fields(publishedCodes["paymentMethods"])) {
		t.Errorf("pay takes the methods %q", f.Values)
	}
	everyField(func(where string, f *Field) {
		for _, name := range f.Lists {
			for _, value := range f.Values {
				if !slices.Contains(strings.Fields(publishedCodes[name]), value) {
					t.Errorf("%s takes %s, which is not in %s", where, value, name)
				}
			}
		}
	})
}

// What holds card data or represents a card must be marked.
func TestSecrets(t *testing.T) {
	want := []string{"cardNumber", "cardHolderName", "cardExpireDate", "cardVerificationValue", "token", "customerToken"}
	everyField(func(where string, f *Field) {
		if f.Secret != slices.Contains(want, f.Name) {
			t.Errorf("%s is secret: %t", where, f.Secret)
		}
	})
}
