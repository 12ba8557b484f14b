package wire

import (
	"encoding/json"
	"time"

	"clawjail/supervisor/assert"
)

// MaxBytes bounds a request and an answer.
const MaxBytes = 256 << 10

// SignIn is a password and a second factor.
type SignIn struct {
	User     string `json:"user"`
	Password string `json:"password"`
	Code     string `json:"code"`   // of an authenticator, or a recovery code
	Client   string `json:"client"` // address
	Device   string `json:"device"` // token of an earlier sign-in of this browser
}

// Tokens are what a sign-in gives.
type Tokens struct {
	Access  string      `json:"access_token"`
	Refresh string      `json:"refresh_token"`
	Device  string      `json:"device_token,omitempty"`
	User    string      `json:"user"`
	Role    assert.Role `json:"role"`
	Expires time.Time   `json:"expires"` // of Access
	Ends    time.Time   `json:"ends"`    // of the session
	// RecoveryLeft is how many recovery codes are left, after one was used.
	RecoveryLeft *int `json:"recovery_left,omitempty"`
}

// Ceremony is the beginning of one with a passkey.
type Ceremony struct {
	ID      string          `json:"id"`
	Options json.RawMessage `json:"options"` // for navigator.credentials
}

// Passkey ends a ceremony.
type Passkey struct {
	ID       string          `json:"id"`
	Response json.RawMessage `json:"response"` // of navigator.credentials
	Client   string          `json:"client"`
	Access   string          `json:"access,omitempty"` // to register one
	Name     string          `json:"name,omitempty"`   // likewise
}

// Token is a request that needs nothing but one.
type Token struct {
	Token string `json:"token"`
	ID    string `json:"id,omitempty"` // of a session or the name of a passkey
}

// Identity is who a token stands for.
type Identity struct {
	User    string      `json:"user"`
	Role    assert.Role `json:"role"`
	Session string      `json:"session"`
	Expires time.Time   `json:"expires"`
}

// Ask wants one request signed for the supervisor.
type Ask struct {
	Access string `json:"access"`
	Action string `json:"action"`
	Digest string `json:"digest"`
}

// Asserted is the answer.
type Asserted struct {
	Assertion string `json:"assertion"`
}

// NewPassword changes a password.
type NewPassword struct {
	Access string `json:"access"`
	Old    string `json:"old"`
	New    string `json:"new"`
	Client string `json:"client"`
}

// Account is what a person sees of their own.
type Account struct {
	Identity
	TOTP         bool      `json:"totp"`
	RecoveryLeft int       `json:"recovery_left"`
	Passkeys     []Key     `json:"passkeys"`
	Sessions     []Session `json:"sessions"`
}

// Key is a passkey.
type Key struct {
	Name  string    `json:"name"`
	Added time.Time `json:"added"`
}

// Session is one of the person's.
type Session struct {
	ID      string    `json:"id"`
	From    string    `json:"from"`
	With    string    `json:"with"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`
	This    bool      `json:"this"`
}

// Refusal is why something is not done. It satisfies error.
type Refusal struct {
	Status  int           `json:"status"`
	Message string        `json:"error"`
	Hint    string        `json:"hint,omitempty"`
	Retry   time.Duration `json:"retry_ns,omitempty"` // when to try again
}

func (r *Refusal) Error() string { return r.Message }
