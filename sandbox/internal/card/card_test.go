package card

import (
	"slices"
	"testing"
)

func TestBrands(t *testing.T) {
	for number, want := range map[string]string{
		"4012000033330026": "VISA", "5506920809243667": "MASTER", "2221000000000009": "MASTER", "378282246310005": "AMEX",
		"3566002020360505": "JCB", "9704000000000018": "NAPAS", "6011000990139424": "UNKNOWN", "0000000000000000": "UNKNOWN",
	} {
		if got := brandOf(number); got != want {
			t.Errorf("%s is %s, want %s", number, got, want)
		}
	}
}

func TestTestCardsAreThePublishedOnes(t *testing.T) {
	var numbers []string
	for _, card := range testCards {
		numbers = append(numbers, card.Number)
	}
	want := []string{"9704000000000018", "5506920809243667", "4012000033330026", "4456530000001096", "4456530000000064", "5506922400634930"}
	if !slices.Equal(numbers, want) {
		t.Errorf("cards %v", numbers)
	}
}
