package checklist

import (
	"fmt"
	"time"
)

// SignIn is what stands between the network and the console's users.
type SignIn struct {
	Console bool // there is one
	// Secret says why the secret that tokens are signed with is none; "" is good.
	Secret string
	// Credential: systemd gives the secret to the services, and to nobody else.
	Credential bool
	// Requests is how many one client may make in Window.
	Requests int
	Window   time.Duration
}

// WeakPasswords are passwords that people choose, each of which must be refused for
// an account called admin.
func WeakPasswords() []string {
	return []string{"short-1A!", "password1234", "Passw0rd2026!", "qwertyuiop12", "aaaaaaaaaaaaaaaa", "123456789012345", "adminadminadmin", "Summer2026!!"}
}

const noConsole = "there is no console"

func passwordsRefused(f Facts) Item {
	return judged("passwords", "Passwords that people guess are refused: tried", f.Passwords, func(passed []string) (Status, string, string) {
		if len(passed) > 0 {
			return Failed, "these are taken: " + list(passed), "update clawjail-gateway, then: clawjail user reset NAME"
		}
		return OK, fmt.Sprintf("%d weak ones were tried, none is taken", len(WeakPasswords())), ""
	})
}

func secretKept(f Facts) Item {
	return judged("secret", "Tokens are signed with a secret that nobody can guess", f.SignIn, func(s SignIn) (Status, string, string) {
		switch {
		case !s.Console:
			return OK, noConsole, ""
		case s.Credential:
			return Attention, "systemd gives it to the services; it was not looked at", "clawjail config check"
		case s.Secret != "":
			return Failed, s.Secret, "sudo clawjail config init --new-secret"
		}
		return OK, "long, random, readable by root alone", ""
	})
}

// manyRequests is what a person does not make in a quarter of an hour.
const manyRequests = 1000

func ratesLimited(f Facts) Item {
	return judged("rate-limits", "A client that hammers on the console is turned away", f.SignIn, func(s SignIn) (Status, string, string) {
		text := fmt.Sprintf("%d requests of one client in %s", s.Requests, s.Window)
		switch {
		case !s.Console:
			return OK, noConsole, ""
		case s.Requests <= 0 || s.Window <= 0:
			return Failed, "nothing limits them", "remove rate_limit from /etc/clawjail/config.yaml"
		case time.Duration(s.Requests)*15*time.Minute/s.Window > manyRequests:
			return Attention, text, "lower rate_limit.requests; the default is 100 in 15m"
		}
		return OK, text, ""
	})
}
