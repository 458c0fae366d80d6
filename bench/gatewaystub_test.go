package main

import (
	"encoding/json"
	"testing"
)

func TestStubAnswers(t *testing.T) {
	const wrapped = `{"requestID":"4711","requestDateTime":"20221121123138","requestData":{"orderDescription":"signed, please"}}`
	for name, test := range map[string]struct{ body, signature, id, code string }{
		"unwrapped":       {`{"orderID":"1"}`, "", unwrappedID, "200"},
		"wrapped, signed": {wrapped, sign([]byte(wrapped)), "4711", "200"},
		"wrongly signed":  {wrapped, sign([]byte("else")), "4711", "401"},
	} {
		t.Run(name, func(t *testing.T) {
			var got struct{ RequestID, ResponseCode string }
			if err := json.Unmarshal(appendAnswer(nil, []byte(test.body), test.signature), &got); err != nil {
				t.Fatal(err)
			}
			if got.RequestID != test.id || got.ResponseCode != test.code {
				t.Errorf("answered %+v, expected %s and %s", got, test.id, test.code)
			}
		})
	}
}

// A vector of the gateway's documents, as testdata/vectors.json has it.
func TestSign(t *testing.T) {
	const text = "970437205249008064atm1.1.1.1vi100000VNDDEMO TRANSACTION1646797594onpurchaseChrome 96.0Windows1.1.1.1"
	const want = "dd3c7de9428c7c51a3797b4a9494455849ac0b5376c1ce01308fc996d95654fa"
	if got := sign([]byte(text)); got != want {
		t.Errorf("signature is %s, expected %s", got, want)
	}
}
