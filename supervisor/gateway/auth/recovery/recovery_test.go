package recovery

import (
	"strings"
	"testing"
)

func TestEachCodeCountsOnce(t *testing.T) {
	codes, kept := Codes()
	if len(codes) != number || len(kept) != number {
		t.Fatal(len(codes), len(kept))
	}
	for i, c := range codes {
		if i%2 == 1 {
			c = strings.ToLower(strings.ReplaceAll(c, "-", " "))
		}
		var ok bool
		if kept, ok = Use(kept, c); !ok {
			t.Errorf("%s does not count", c)
		}
		if _, ok := Use(kept, c); ok {
			t.Errorf("%s counts twice", c)
		}
	}
	if _, ok := Use(kept, ""); ok || len(kept) != 0 {
		t.Error("nothing counts")
	}
}
