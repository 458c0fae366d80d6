package card

import (
	"slices"
)

// TestCard is a card that the gateway publishes for its test system (the integration
// guide 3.6.1 and the gateway's sample programs). None of them fails on purpose.
type TestCard struct {
	Number string
	Method string // Domestic or International
	Name   string
	Date   string // as typed: of expiry, or of issue on the Vietnamese card
	CVV    string // empty: it has none
	OTP    bool   // the customer has to type a one-time password (3-D Secure, NAPAS)
}

// testCards is every one of them. For the last one, nothing is published on 3-D Secure.
var testCards = []TestCard{
	{"9704000000000018", Domestic, "NGUYEN VAN A", "03/07", "", true},
	{"5506920809243667", International, "NGUYEN VAN A", "01/39", "100", true},
	{"4012000033330026", International, "NGUYEN VAN A", "01/39", "100", false},
	{"4456530000001096", International, "NGUYEN VAN A", "12/30", "111", true},
	{"4456530000000064", International, "NGUYEN VAN A", "12/30", "111", false},
	{"5506922400634930", International, "NGUYEN VAN A", "01/39", "100", true},
}

// TestCards are all of them.
func TestCards() []TestCard { return slices.Clone(testCards) }

// TestCardsOf are those that can be typed for a method.
func TestCardsOf(method string) []TestCard {
	return slices.DeleteFunc(TestCards(), func(c TestCard) bool { return c.Method != method })
}

// FindTestCard finds a test card by its number.
func FindTestCard(number string) (card TestCard, found bool) {
	at := slices.IndexFunc(testCards, func(c TestCard) bool { return c.Number == number })
	if at < 0 {
		return TestCard{}, false
	}
	return testCards[at], true
}

// IsTestCard reports whether a number is that of a test card.
func IsTestCard(number string) bool {
	_, found := FindTestCard(number)
	return found
}

// needsOTP reports whether the customer has to prove that a card is theirs. A card that is
// not published has to be proven.
func needsOTP(number string) bool {
	card, found := FindTestCard(number)
	return !found || card.OTP
}
