package auth

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"clawjail/supervisor/api"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/wire"
)

const (
	maxCeremonies = 1000
	ceremonyTime  = 5 * time.Minute
)

// person is a user as WebAuthn knows one.
type person struct {
	user        *store.User
	credentials []webauthn.Credential
}

func (p person) WebAuthnID() []byte                         { return p.user.Handle }
func (p person) WebAuthnName() string                       { return p.user.Name }
func (p person) WebAuthnDisplayName() string                { return p.user.Name }
func (p person) WebAuthnCredentials() []webauthn.Credential { return p.credentials }

func personOf(u *store.User) (person, error) {
	p := person{user: u}
	for _, k := range u.Passkeys {
		var c webauthn.Credential
		if err := json.Unmarshal(k.Credential, &c); err != nil {
			return p, err
		}
		p.credentials = append(p.credentials, c)
	}
	return p, nil
}

// ceremonies are those that began and did not end.
type ceremonies struct {
	mu    sync.Mutex
	open  map[string]ceremony
	order []string // oldest first
}

type ceremony struct {
	data  webauthn.SessionData
	user  string // who registers; empty: who signs in
	until time.Time
}

func newCeremonies() *ceremonies { return &ceremonies{open: map[string]ceremony{}} }

func (c *ceremonies) put(one ceremony) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := rand.Text()
	if len(c.order) >= maxCeremonies {
		delete(c.open, c.order[0])
		c.order = c.order[1:]
	}
	c.order = append(c.order, id)
	c.open[id] = one
	return id
}

// take gives one, once.
func (c *ceremonies) take(id string, now time.Time) (ceremony, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one, ok := c.open[id]
	delete(c.open, id)
	c.order = slices.DeleteFunc(c.order, func(o string) bool { return o == id })
	return one, ok && now.Before(one.until)
}

func (s *Service) ceremony(options any, data *webauthn.SessionData, user string) (wire.Ceremony, error) {
	b, err := json.Marshal(options)
	if err != nil {
		return wire.Ceremony{}, err
	}
	id := s.ceremonies.put(ceremony{data: *data, user: user, until: s.opt.Now().Add(ceremonyTime)})
	return wire.Ceremony{ID: id, Options: b}, nil
}

// BeginPasskey begins a sign-in: whose is known when it ends.
func (s *Service) BeginPasskey(struct{}) (wire.Ceremony, error) {
	options, data, err := s.passkeys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return wire.Ceremony{}, err
	}
	return s.ceremony(options, data, "")
}

func errPasskey() *wire.Refusal {
	return refuse(http.StatusUnauthorized, "the passkey does not count here: try again, or sign in with the password")
}

// FinishPasskey signs in.
func (s *Service) FinishPasskey(in wire.Passkey) (wire.Tokens, error) {
	one, ok := s.ceremonies.take(in.ID, s.opt.Now())
	if !ok || one.user != "" {
		return wire.Tokens{}, errPasskey()
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(in.Response)
	if err != nil {
		return wire.Tokens{}, errPasskey()
	}
	users, err := s.opt.Store.List()
	if err != nil {
		return wire.Tokens{}, err
	}
	var found *store.User
	_, credential, err := s.passkeys.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		for i := range users {
			if len(handle) > 0 && bytes.Equal(users[i].Handle, handle) {
				found = &users[i]
				return personOf(found)
			}
		}
		return nil, errPasskey()
	}, one.data, parsed)
	if err != nil || found == nil || credential.Authenticator.CloneWarning || !credential.Flags.UserVerified {
		e := s.event(api.PersonSignIn, "", in.Client, "a passkey was refused")
		if found != nil {
			e.Name = found.Name
		}
		s.journal.refused(e)
		return wire.Tokens{}, errPasskey()
	}
	return s.begin(found.Name, session{from: in.Client, with: "passkey", change: func(u *store.User) error { return keepCounter(u, credential) }})
}

// keepCounter writes down how often the authenticator signed, and refuses a
// passkey that was removed meanwhile.
func keepCounter(u *store.User, used *webauthn.Credential) error {
	for i, k := range u.Passkeys {
		var c webauthn.Credential
		if err := json.Unmarshal(k.Credential, &c); err != nil {
			return err
		}
		if bytes.Equal(c.ID, used.ID) {
			b, err := json.Marshal(used)
			u.Passkeys[i].Credential = b
			return err
		}
	}
	return errPasskey()
}

// BeginRegister begins to add a passkey.
func (s *Service) BeginRegister(in wire.Token) (wire.Ceremony, error) {
	u, _, err := s.identify(in.Token)
	if err != nil {
		return wire.Ceremony{}, err
	}
	if len(u.Passkeys) >= store.MaxPasskeys {
		return wire.Ceremony{}, refuse(http.StatusConflict, "there are %d passkeys already", len(u.Passkeys))
	}
	p, err := personOf(&u)
	if err != nil {
		return wire.Ceremony{}, err
	}
	options, data, err := s.passkeys.BeginRegistration(p,
		webauthn.WithExclusions(webauthn.Credentials(p.credentials).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired}))
	if err != nil {
		return wire.Ceremony{}, err
	}
	return s.ceremony(options, data, u.Name)
}

// FinishRegister adds it.
func (s *Service) FinishRegister(in wire.Passkey) (struct{}, error) {
	u, _, err := s.identify(in.Access)
	if err != nil {
		return struct{}{}, err
	}
	name, err := passkeyName(in.Name)
	if err != nil {
		return struct{}{}, err
	}
	one, ok := s.ceremonies.take(in.ID, s.opt.Now())
	if !ok || one.user != u.Name {
		return struct{}{}, errPasskey()
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(in.Response)
	if err != nil {
		return struct{}{}, errPasskey()
	}
	p, err := personOf(&u)
	if err != nil {
		return struct{}{}, err
	}
	credential, err := s.passkeys.CreateCredential(p, one.data, parsed)
	if err != nil || !credential.Flags.UserVerified {
		return struct{}{}, errPasskey()
	}
	b, err := json.Marshal(credential)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.own(u.Name, s.event(api.PersonPasskey, u.Name, in.Client, fmt.Sprintf("%q was added", name)), func(u *store.User) error {
		if slices.ContainsFunc(u.Passkeys, func(k store.Passkey) bool { return k.Name == name }) {
			return refuse(http.StatusConflict, "there is a passkey %q already", name)
		}
		u.Passkeys = append(u.Passkeys, store.Passkey{Name: name, Added: s.opt.Now(), Credential: b})
		u.Changed = s.opt.Now()
		return nil
	})
}
