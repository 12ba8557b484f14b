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
	// MustChange says that somebody else gave the password, and that the session
	// is good for nothing but changing it.
	MustChange bool `json:"must_change_password,omitempty"`
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
	// MustChange is that of Tokens, as it is now.
	MustChange bool `json:"must_change_password,omitempty"`
}

// Ask wants one request signed for the supervisor.
type Ask struct {
	Access string `json:"access"`
	Action string `json:"action"`
	Digest string `json:"digest"`
	Proof  *Proof `json:"proof,omitempty"`
}

// Proof is a fresh second factor for one request: a code, or a passkey.
type Proof struct {
	Code    string  `json:"code,omitempty"`
	Passkey *Signed `json:"passkey,omitempty"`
	Client  string  `json:"client"` // address
}

// Signed is what a passkey said in a ceremony.
type Signed struct {
	ID       string          `json:"id"` // of the ceremony
	Response json.RawMessage `json:"response"`
}

// StepUp begins the ceremony of a Proof.
type StepUp struct {
	Access string `json:"access"`
	Action string `json:"action"`
	Digest string `json:"digest"`
}

// Person is a user as admins see one: nothing that signs in.
type Person struct {
	Name      string      `json:"name"`
	Role      assert.Role `json:"role"`
	Disabled  bool        `json:"disabled"`
	TOTP      bool        `json:"authenticator"`
	Passkeys  []Key       `json:"passkeys"`
	Recovery  int         `json:"recovery_left"`
	Sessions  []Session   `json:"sessions"`
	UID       *uint32     `json:"uid,omitempty"` // account on this host
	NoAccount bool        `json:"no_account"`
	Initial   bool        `json:"must_change_password"`
	Created   time.Time   `json:"created"`
	Changed   time.Time   `json:"changed"` // password, role or second factors
}

// The verbs of a Change.
const (
	Add         = "add"
	SetRole     = "role"
	Disable     = "disable"
	Enable      = "enable"
	Reset       = "reset"         // password, authenticator and recovery codes
	SetPassword = "password"      // the password alone
	SetFactor   = "second-factor" // authenticator and recovery codes alone
	EndSessions = "end-sessions"  // one, or all
)

// Change is one thing that an admin does to a user.
type Change struct {
	Verb    string      `json:"verb"`
	Name    string      `json:"name"`
	Role    assert.Role `json:"role,omitempty"`    // of Add and SetRole
	Session string      `json:"session,omitempty"` // of EndSessions; empty: all
	// NoFactor makes a user without an authenticator; of Add and Reset.
	NoFactor bool `json:"no_authenticator,omitempty"`
	// NoAccount says that the person has no account on this host; of Add.
	NoAccount bool `json:"no_account,omitempty"`
}

// People asks for users, or for a change of one.
type People struct {
	Access string  `json:"access"`
	Change *Change `json:"change,omitempty"`
	Proof  *Proof  `json:"proof,omitempty"`
	// Begin wants the ceremony of the change instead of the change.
	Begin bool `json:"begin,omitempty"`
}

// Given is what a user gets who was made or reset. It is shown once.
type Given struct {
	Person   Person   `json:"person"`
	Password string   `json:"password,omitempty"`
	Secret   string   `json:"authenticator_secret,omitempty"`
	Address  string   `json:"authenticator_address,omitempty"` // otpauth://
	Recovery []string `json:"recovery_codes,omitempty"`
	// Ceremony is instead of all that, where it was asked for.
	Ceremony *Ceremony `json:"ceremony,omitempty"`
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
	Locked  bool          `json:"locked,omitempty"`   // for too many wrong attempts
}

func (r *Refusal) Error() string { return r.Message }
