package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SetAmount reads how much a limit lets through: "10/h", "100 USD/d" or "60/10m",
// and for one transaction "50 USD". Of must be set. The range of a number is left
// to Check. An error continues the words "the limit".
func (l *ActionLimit) SetAmount(s string) error {
	most, per, rate := strings.Cut(s, "/")
	switch {
	case l.Of == OfTransaction && rate:
		return fmt.Errorf("is what one transaction may cost, not %q", clip(s))
	case l.Of == OfTransaction:
	case !rate || rateTime(per) == 0:
		return fmt.Errorf("is a number per unit of time, not %q", clip(s))
	default:
		l.Per = rateTime(per)
	}
	if l.Money() {
		minor, code, err := ParseMoney(most)
		if err != nil {
			return fmt.Errorf("is an amount of money: %w", err)
		}
		l.Max, l.Currency = minor, code
		return nil
	}
	v, err := strconv.ParseInt(most, 10, 64)
	if err != nil || strings.Trim(most, "0123456789") != "" {
		return fmt.Errorf("is a number per unit of time, not %q", clip(s))
	}
	l.Max = v
	return nil
}

// Amount writes what SetAmount reads.
func (l ActionLimit) Amount() string {
	s := strconv.FormatInt(l.Max, 10)
	if l.Money() {
		s = Money(l.Max, l.Currency)
	}
	if l.Per == 0 {
		return s
	}
	for _, unit := range []string{"d", "h", "m", "s"} {
		if n := l.Per / UnitDuration(unit); n == 1 {
			return s + "/" + unit
		} else if n > 1 && n <= maxUnits && l.Per%UnitDuration(unit) == 0 {
			return fmt.Sprintf("%s/%d%s", s, n, unit)
		}
	}
	return s + "/" + l.Per.String() // no length that SetAmount reads
}

// maxUnits is how many units of time a rate can be per.
const maxUnits = 366

// rateTime reads what a rate is per: a unit, or a number of one, as in 10m.
func rateTime(s string) time.Duration {
	digits := strings.TrimRight(s, "dhms")
	n := int64(1)
	if digits != "" {
		v, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || v < 1 || v > maxUnits {
			return 0
		}
		n = v
	}
	return time.Duration(n) * UnitDuration(s[len(digits):])
}
