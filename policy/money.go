package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxMoney bounds an amount, in minor units: what a limit can count.
const MaxMoney = 1 << 40

// digits is how many decimals the minor unit of a currency has (ISO 4217).
func digits(code string) (n int, ok bool) {
	switch code {
	case "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "INR", "MXN", "NOK", "NZD", "PLN", "SEK", "SGD",
		"THB", "TRY", "TWD", "UAH", "USD", "ZAR":
		return 2, true
	case "JPY", "KRW":
		return 0, true
	case "KWD", "TND":
		return 3, true
	}
	return 0, false
}

// CheckCurrency checks the code of a currency.
func CheckCurrency(code string) error {
	if _, ok := digits(code); !ok {
		return fmt.Errorf("unknown currency %q; one of the codes of ISO 4217, as in USD or EUR", clip(code))
	}
	return nil
}

// Money writes an amount in minor units with its currency: 1250 USD is
// "12.50 USD". An unknown currency is written as minor units.
func Money(minor int64, code string) string {
	n, ok := digits(code)
	if !ok {
		return strconv.FormatInt(minor, 10) + " minor units of " + strconv.Quote(clip(code))
	}
	if n == 0 {
		return strconv.FormatInt(minor, 10) + " " + code
	}
	sign, unit := "", int64(1)
	if minor < 0 {
		sign, minor = "-", -minor
	}
	for range n {
		unit *= 10
	}
	return fmt.Sprintf("%s%d.%0*d %s", sign, minor/unit, n, minor%unit, code)
}

// ParseMoney reads what Money writes; decimals may be left out.
func ParseMoney(s string) (minor int64, code string, err error) {
	amount, code, ok := strings.Cut(s, " ")
	if !ok {
		return 0, "", fmt.Errorf("%q is no amount of money, as in \"50 USD\"", clip(s))
	}
	if err := CheckCurrency(code); err != nil {
		return 0, "", err
	}
	whole, frac, point := strings.Cut(amount, ".")
	n, _ := digits(code)
	if whole == "" || strings.Trim(whole+frac, "0123456789") != "" || point && (len(frac) != n || n == 0) {
		return 0, "", fmt.Errorf("%q is no amount of %s: it has %d decimals or none, and no sign", clip(amount), code, n)
	}
	for len(frac) < n {
		frac += "0"
	}
	minor, err = strconv.ParseInt(whole+frac, 10, 64)
	if err != nil || minor > MaxMoney {
		return 0, "", fmt.Errorf("%q is more than can be counted", clip(amount))
	}
	return minor, code, nil
}

// clip keeps a text of somebody else's short in a message.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
