package main

import (
	"fmt"
	"strings"
)

// payBody is a payment as a shop sends it, valid by the gateway's documents and size bytes long. What is missing is
// filled up with extraData, whose content is the shop's own.
func payBody(size int) (string, error) {
	return payBodyDescribed("Thanh toan don hang", size)
}

func payBodyDescribed(description string, size int) (string, error) {
	const least = `{"apiOperation":"PAY","orderID":"2a43e4b9","orderAmount":100000,"orderCurrency":"VND",` +
		`"orderDateTime":20220426083322,"orderDescription":%q,"paymentMethod":"DOMESTIC"`
	const usual = `,"orderNumber":"205249008064","language":"vi","sourceType":"","successURL":"https://shop.example/orders/205249008064/success",` +
		`"failureURL":"https://shop.example/orders/205249008064/failure","cancelURL":"https://shop.example/orders/205249008064/cancel",` +
		`"ipnURL":"https://shop.example/galaxypay/ipn"`
	const before, after = `,"extraData":{"note":"`, `"}}`
	text := fmt.Sprintf(least, description)
	if size >= 640 {
		text += usual
	}
	fill := size - len(text) - len(before) - len(after)
	if fill < 0 {
		return "", fmt.Errorf("a payment of %d bytes is too small", size)
	}
	return text + before + strings.Repeat("x", fill) + after, nil
}
