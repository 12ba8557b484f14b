package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Client asks the sign-in process.
type Client struct{ http *http.Client }

// Dial makes a client of the process at an address of a unix socket.
func Dial(address string) *Client {
	var d net.Dialer
	return &Client{http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", address) },
		MaxIdleConns:        16,
		MaxIdleConnsPerHost: 16,
		MaxConnsPerHost:     64,
		IdleConnTimeout:     time.Minute,
	}}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) call(ctx context.Context, name string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sign-in/"+name, bytes.NewReader(b))
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the sign-in process: %w", err)
	}
	defer res.Body.Close()
	b, err = io.ReadAll(io.LimitReader(res.Body, MaxBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("ask the sign-in process: %w", err)
	case len(b) > MaxBytes:
		return fmt.Errorf("the sign-in process answers with more than %d bytes", MaxBytes)
	case res.StatusCode != http.StatusOK:
		r := &Refusal{Status: res.StatusCode, Message: "the sign-in process answers " + res.Status}
		_ = json.Unmarshal(b, r) // what it says in words, if it does
		return r
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("ask the sign-in process: %w", err)
	}
	return nil
}

func ask[Out any](ctx context.Context, c *Client, name string, in any) (Out, error) {
	var out Out
	err := c.call(ctx, name, in, &out)
	return out, err
}

// SignIn checks a password and a second factor, and begins a session.
func (c *Client) SignIn(ctx context.Context, s SignIn) (Tokens, error) {
	return ask[Tokens](ctx, c, "sign-in", s)
}

// BeginPasskey begins a sign-in with a passkey.
func (c *Client) BeginPasskey(ctx context.Context) (Ceremony, error) {
	return ask[Ceremony](ctx, c, "passkey-begin", struct{}{})
}

// FinishPasskey ends it.
func (c *Client) FinishPasskey(ctx context.Context, p Passkey) (Tokens, error) {
	return ask[Tokens](ctx, c, "passkey-finish", p)
}

// Refresh gives new tokens for a refresh token, once.
func (c *Client) Refresh(ctx context.Context, token string) (Tokens, error) {
	return ask[Tokens](ctx, c, "refresh", Token{Token: token})
}

// Check says who an access token stands for.
func (c *Client) Check(ctx context.Context, access string) (Identity, error) {
	return ask[Identity](ctx, c, "check", Token{Token: access})
}

// BeginStepUp begins to prove with a passkey that a person wants one thing.
func (c *Client) BeginStepUp(ctx context.Context, s StepUp) (Ceremony, error) {
	return ask[Ceremony](ctx, c, "step-up", s)
}

// People lists the users, for admins.
func (c *Client) People(ctx context.Context, access string) ([]Person, error) {
	return ask[[]Person](ctx, c, "people", People{Access: access})
}

// ChangePerson does one thing to a user, for admins.
func (c *Client) ChangePerson(ctx context.Context, p People) (Given, error) {
	return ask[Given](ctx, c, "person", p)
}

// Assert has one request signed for the supervisor.
func (c *Client) Assert(ctx context.Context, a Ask) (string, error) {
	out, err := ask[Asserted](ctx, c, "assert", a)
	return out.Assertion, err
}

// SignOut ends the session of an access token.
func (c *Client) SignOut(ctx context.Context, access string) error {
	_, err := ask[struct{}](ctx, c, "sign-out", Token{Token: access})
	return err
}

// Account gives what a person sees of their own.
func (c *Client) Account(ctx context.Context, access string) (Account, error) {
	return ask[Account](ctx, c, "account", Token{Token: access})
}

// EndSession ends another session of the same person.
func (c *Client) EndSession(ctx context.Context, access, id string) error {
	_, err := ask[struct{}](ctx, c, "end-session", Token{Token: access, ID: id})
	return err
}

// BeginRegister begins to add a passkey.
func (c *Client) BeginRegister(ctx context.Context, access string) (Ceremony, error) {
	return ask[Ceremony](ctx, c, "register-begin", Token{Token: access})
}

// FinishRegister ends it.
func (c *Client) FinishRegister(ctx context.Context, p Passkey) error {
	_, err := ask[struct{}](ctx, c, "register-finish", p)
	return err
}

// RemovePasskey forgets one.
func (c *Client) RemovePasskey(ctx context.Context, access, name string) error {
	_, err := ask[struct{}](ctx, c, "passkey-remove", Token{Token: access, ID: name})
	return err
}

// ChangePassword changes it and ends every other session.
func (c *Client) ChangePassword(ctx context.Context, p NewPassword) error {
	_, err := ask[struct{}](ctx, c, "password", p)
	return err
}
