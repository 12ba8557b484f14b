package strength

import "testing"

func TestWeak(t *testing.T) {
	for _, p := range []string{"", "short", "Passw0rd1234!", "aaaaaaaaaaaaaaaa", "123456789012345", "qwertyuiopasdf", "clawjailclawjail", "alicealicealice", "password-password", "\xff\xfe0123456789ab"} {
		if err := Weak(p, "alice"); err == nil {
			t.Errorf("%q is good enough", p)
		}
	}
	for _, p := range []string{"rhubarb-violin-tundra-19", "vK3!x9Lq#t2Wz", "the moth eats seven lamps", "Überquerung Salz Zwölf Igel"} {
		if err := Weak(p, "alice"); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}
