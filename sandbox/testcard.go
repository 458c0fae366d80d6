package sandbox

import "slices"

// testCard is a card that the gateway publishes for its test system (the integration guide
// 3.6.1 and the gateway's sample programs). None of them fails on purpose.
type testCard struct {
	Number string
	Method string
	Name   string
	Date   string // as typed: of expiry, or of issue on the Vietnamese card
	CVV    string // empty: it has none
	OTP    bool   // the customer is asked for a one-time password (3-D Secure, NAPAS)
}

// testCards is every one of them. For the last one, nothing is published on 3-D Secure.
var testCards = []testCard{
	{"9704000000000018", domestic, "NGUYEN VAN A", "03/07", "", true},
	{"5506920809243667", international, "NGUYEN VAN A", "01/39", "100", true},
	{"4012000033330026", international, "NGUYEN VAN A", "01/39", "100", false},
	{"4456530000001096", international, "NGUYEN VAN A", "12/30", "111", true},
	{"4456530000000064", international, "NGUYEN VAN A", "12/30", "111", false},
	{"5506922400634930", international, "NGUYEN VAN A", "01/39", "100", true},
}

func findTestCard(number string) (card testCard, found bool) {
	at := slices.IndexFunc(testCards, func(c testCard) bool { return c.Number == number })
	if at < 0 {
		return testCard{}, false
	}
	return testCards[at], true
}

func isTestCard(number string) bool {
	_, found := findTestCard(number)
	return found
}

// asksOTP tells whether the customer has to prove that a card is theirs. A card that is not
// published has to be proven.
func asksOTP(number string) bool {
	card, found := findTestCard(number)
	return !found || card.OTP
}

// testCardsOf are those that can be typed for a method.
func testCardsOf(method string) []testCard {
	return slices.DeleteFunc(slices.Clone(testCards), func(c testCard) bool { return c.Method != method })
}
