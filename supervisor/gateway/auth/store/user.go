package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"clawjail/supervisor/assert"
)

// The bounds of what is kept.
const (
	MaxUsers    = 1000
	MaxPasskeys = 10
	MaxSessions = 16 // of one user; a new one ends the one that was unused the longest
	MaxBytes    = 32 << 20
)

// User is somebody who may sign in.
type User struct {
	Name string      `json:"name"`
	Role assert.Role `json:"role"`
	// UID is the person's account on this host, for four eyes; nil: not known.
	UID       *uint32 `json:"uid,omitempty"`
	NoAccount bool    `json:"no_account,omitempty"` // the person has none
	Disabled  bool    `json:"disabled,omitempty"`

	Password string    `json:"password"`           // package password
	Initial  bool      `json:"initial,omitempty"`  // somebody else chose the password: until it is changed, nothing else is done
	TOTP     string    `json:"totp,omitempty"`     // base32; empty: no authenticator
	TOTPLast int64     `json:"totp_last"`          // the last step that counted
	Recovery []string  `json:"recovery,omitempty"` // digests of codes that were not used
	Handle   []byte    `json:"handle"`             // what passkeys know the user by
	Passkeys []Passkey `json:"passkeys,omitempty"`
	Sessions []Session `json:"sessions,omitempty"`

	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"` // password, role or second factors
}

// Passkey is a WebAuthn credential.
type Passkey struct {
	Name       string          `json:"name"`
	Added      time.Time       `json:"added"`
	Credential json.RawMessage `json:"credential"`
}

// Session is a browser or a program that signed in.
type Session struct {
	ID      string    `json:"id"`
	Refresh string    `json:"refresh"` // digest of the token that renews it
	From    string    `json:"from"`    // address of the sign-in
	With    string    `json:"with"`    // "password and code", "passkey"
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`
	Expires time.Time `json:"expires"`
}

// SecondFactor reports whether the user has anything besides a password.
func (u *User) SecondFactor() bool { return u.TOTP != "" || len(u.Passkeys) > 0 }

// Session finds one by its id; nil if it ended.
func (u *User) Session(id string, now time.Time) *Session {
	for i := range u.Sessions {
		if u.Sessions[i].ID == id && now.Before(u.Sessions[i].Expires) {
			return &u.Sessions[i]
		}
	}
	return nil
}

// EndSession ends one, or with "" all.
func (u *User) EndSession(id string) {
	u.Sessions = slices.DeleteFunc(u.Sessions, func(s Session) bool { return id == "" || s.ID == id })
}

// AddSession begins one, and ends what is over or too many.
func (u *User) AddSession(s Session) {
	u.Sessions = slices.DeleteFunc(u.Sessions, func(old Session) bool { return !s.Created.Before(old.Expires) })
	slices.SortFunc(u.Sessions, func(a, b Session) int { return b.Used.Compare(a.Used) })
	u.Sessions = append(u.Sessions[:min(len(u.Sessions), MaxSessions-1)], s)
}

// CheckName refuses what is no name of a user.
func CheckName(name string) error {
	if !regexp.MustCompile(`^[a-z][a-z0-9._-]{0,31}$`).MatchString(name) {
		return fmt.Errorf("%q is not a user's name: a letter, then letters, digits, dots, - and _, at most 32, all small", name)
	}
	return nil
}

// check says what no user can be.
func (u *User) check() error {
	if err := CheckName(u.Name); err != nil {
		return err
	}
	switch {
	case !slices.Contains(assert.Roles(), string(u.Role)):
		return fmt.Errorf("user %s: there is no role %q", u.Name, u.Role)
	case len(u.Passkeys) > MaxPasskeys:
		return fmt.Errorf("user %s has %d passkeys, at most %d", u.Name, len(u.Passkeys), MaxPasskeys)
	case len(u.Sessions) > MaxSessions:
		return fmt.Errorf("user %s has %d sessions, at most %d", u.Name, len(u.Sessions), MaxSessions)
	case u.UID != nil && u.NoAccount:
		return errors.New("user " + u.Name + " has an account and none")
	}
	return nil
}
