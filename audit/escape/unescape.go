package escape

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Unescape turns what String gave back into the bytes it was given.
func Unescape(s string) (string, error) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			out = append(out, s[i])
			i++
			continue
		}
		if i+1 == len(s) {
			return "", fmt.Errorf("escape at offset %d is cut off", i)
		}
		digits := 0
		switch s[i+1] {
		case '\\', '"':
			out = append(out, s[i+1])
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		default:
			return "", fmt.Errorf("unknown escape at offset %d", i)
		}
		if i+2+digits > len(s) {
			return "", fmt.Errorf("escape at offset %d is cut off", i)
		}
		if digits > 0 {
			v, err := strconv.ParseUint(s[i+2:i+2+digits], 16, 32)
			if err != nil || digits > 2 && !utf8.ValidRune(rune(v)) {
				return "", fmt.Errorf("bad number in the escape at offset %d", i)
			}
			if digits == 2 {
				out = append(out, byte(v))
			} else {
				out = utf8.AppendRune(out, rune(v))
			}
		}
		i += 2 + digits
	}
	return string(out), nil
}
