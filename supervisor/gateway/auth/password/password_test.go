package password

import (
	"strings"
	"testing"
)

func TestHashAndCheck(t *testing.T) {
	const secret = "rhubarb-violin-tundra-19"
	h, err := Hash(secret)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Hash(secret); again == h {
		t.Error("two hashes of one password are the same: no salt")
	}
	for p, want := range map[string]bool{secret: true, secret + "x": false, "": false, strings.Repeat("a", MaxLength+1): false} {
		if got, err := Check(h, p); err != nil || got != want {
			t.Errorf("Check(%.20q) = %v, %v", p, got, err)
		}
	}
	if _, err := Hash(strings.Repeat("a", MaxLength+1)); err == nil {
		t.Error("a password of any length is hashed")
	}
}

func TestCheckRefusesWhatHashDidNotWrite(t *testing.T) {
	h, _ := Hash("rhubarb-violin-tundra-19")
	for _, bad := range []string{"", "plain", strings.Replace(h, "argon2id", "argon2i", 1), strings.Replace(h, "m=65536", "m=99999999", 1),
		strings.Replace(h, "t=3", "t=999", 1), strings.Replace(h, "p=1", "p=0", 1), h[:len(h)-3], h + "$x"} {
		if ok, err := Check(bad, "rhubarb-violin-tundra-19"); ok || err == nil {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x")
	f.Fuzz(func(t *testing.T, h, p string) {
		if strings.Contains(h, "m=8,t=1,p=1") || !strings.Contains(h, "m=") { // others cost too much to try many of
			if ok, err := Check(h, p); ok && err != nil {
				t.Error("right and wrong")
			}
		}
	})
}
