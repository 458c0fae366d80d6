package message

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// The published samples: integration guides 3.0 to 3.6.1, salt GO@2021.
const (
	requestCurrent     = `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","requestDateTime":20220426083322,"requestData":{"apiOperation":"PAY","orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","paymentMethod":"DOMESTIC","sourceType":"970400","language":"vi"}}`
	requestCurrentSign = "b4b7cb5596680bb343f399922fc32e63fd69191c573e83c0383fd734531eab03"
	requestV30         = `{"requestID":"14653fa1-2f69-4f4f-9d4b-240e1bebbdf3","requestDateTime":20220426083322,"requestData":{"orderID":"2a43e4b9-c5df-49e6-8b18-42af9bcd150e","orderNumber":205249008064,"orderAmount":100000,"orderCurrency":"VND","orderDateTime":20220426083322,"orderDescription":"DEMO TRANSACTION","cardType":"atm","bank":"970437","otp":"on","request":"purchase","token":"","language":"vi"}}`
	requestV30Sign     = "ca1421b4227600b2ef1803d9401625a36e8e37fe8ef285268ce02192a954d7e9"
	callbackResult     = "eyJyZXF1ZXN0SUQiOiIxNDY1M2ZhMS0yZjY5LTRmNGYtOWQ0Yi0yNDBlMWJlYmJkZjMiLCJyZXNwb25zZURhdGVUaW1lIjoiMjAyMjA1MDYxMTM1MTciLCJyZXNwb25zZUNvZGUiOiIyMDAiLCJyZXNwb25zZU1lc3NhZ2UiOiJUcmFuc2FjdGlvbiBpcyBzdWNjZXNzZnVsLiIsInJlc3BvbnNlRGF0YSI6eyJ0cmFuc2FjdGlvbklEIjoiMjIwNTA2OTllNjVkOWE3MWQ1NDhlNmI2NzMyM2FlZjFhNDk0YWMiLCJ0cmFuc2FjdGlvbkRhdGVUaW1lIjoiMjAyMjA0MDUyMDIwMDAiLCJvcmRlcklEIjoiODg4Mjg5Iiwib3JkZXJOdW1iZXIiOiI4MjI2Mjg4OSIsIm9yZGVyQW1vdW50IjoiMTA5MDAwIiwib3JkZXJEZXNjcmlwdGlvbiI6IlNlY3VyZSBQYWdlIERlbW8iLCJvcmRlckN1cnJlbmN5IjoiVk5EIiwib3JkZXJEYXRlVGltZSI6IjIwMjIwNDA1MjAyMDAwIiwibGFuZ3VhZ2UiOiJ2aSJ9fQ=="
	callbackResultSign = "4952cb18e6b136de4c15ecbae75ba1a758257684eb97a43f351e34bb12cede5f"
	callbackCancel     = "eyJyZXF1ZXN0SUQiOiIxNDY1M2ZhMS0yZjY5LTRmNGYtOWQ0Yi0yNDBlMWJlYmJkZjMiLCJyZXNwb25zZURhdGVUaW1lIjoiMjAyMjA1MDYxMTM1MTciLCJyZXNwb25zZUNvZGUiOiI0OTkiLCJyZXNwb25zZU1lc3NhZ2UiOiJDYW5jZWxlZCBieSB1c2VyIiwicmVzcG9uc2VEYXRhIjp7InRyYW5zYWN0aW9uSUQiOiIyMjA1MDY5OWU2NWQ5YTcxZDU0OGU2YjY3MzIzYWVmMWE0OTRhYyIsInRyYW5zYWN0aW9uRGF0ZVRpbWUiOiIyMDIyMDUwNjExMzUxNyIsIm9yZGVySUQiOiI4ODgyODkiLCJvcmRlck51bWJlciI6IjgyMjYyODg5Iiwib3JkZXJBbW91bnQiOiIxMDkwMDAiLCJvcmRlckRlc2NyaXB0aW9uIjoiU2VjdXJlIFBhZ2UgRGVtbyIsIm9yZGVyQ3VycmVuY3kiOiJWTkQiLCJvcmRlckRhdGVUaW1lIjoiMjAyMjA0MDUyMDIwMDAiLCJsYW5ndWFnZSI6InZpIn19"
	callbackCancelSign = "be8d2d815d694037d7ec2d9f7ac645d7a6168b692af6b786c1d59da72cd93a5e"
)

// salt is the one of the samples.
const salt = "GO@2021"

func TestPublishedSignatures(t *testing.T) {
	for name, vector := range map[string]struct{ text, signature string }{
		"request-current": {requestCurrent, requestCurrentSign},
		"request-v3.0":    {requestV30, requestV30Sign},
		"callback-result": {callbackResult, callbackResultSign},
		"callback-cancel": {callbackCancel, callbackCancelSign},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Sign([]byte(vector.text), salt); got != vector.signature {
				t.Errorf("signed %s, published %s", got, vector.signature)
			}
			if !Verify([]byte(vector.text), salt, vector.signature) {
				t.Error("the published signature is refused")
			}
		})
	}
}

// hash is the formula without the order of its parts.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestVerify(t *testing.T) {
	proven := requestCurrentSign
	for name, test := range map[string]struct {
		text, salt, signature string
		want                  bool
	}{
		"lower case":          {requestCurrent, "GO@2021", proven, true},
		"upper case":          {requestCurrent, "GO@2021", strings.ToUpper(proven), true},
		"other text":          {requestCurrent + " ", "GO@2021", proven, false},
		"other salt":          {requestCurrent, "GO@2022", proven, false},
		"salt first":          {requestCurrent, "GO@2021", hash("GO@2021" + requestCurrent), false},
		"nothing":             {requestCurrent, "GO@2021", "", false},
		"cut":                 {requestCurrent, "GO@2021", proven[:62], false},
		"longer":              {requestCurrent, "GO@2021", proven + "00", false},
		"not hexadecimal":     {requestCurrent, "GO@2021", "z" + proven[1:], false},
		"surrounded by space": {requestCurrent, "GO@2021", " " + proven, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Verify([]byte(test.text), test.salt, test.signature); got != test.want {
				t.Errorf("Verify = %t, want %t", got, test.want)
			}
		})
	}
}
