package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/control"
	"clawjail/supervisor/gateway/auth/wire"
)

// maxAnswer bounds an answer of the supervisor.
const maxAnswer = 64 << 20

// upstream asks the supervisor in the name of people.
type upstream struct {
	auth *wire.Client
	http *http.Client
}

func newUpstream(socket string, auth *wire.Client) *upstream {
	return &upstream{auth: auth, http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // one request a connection is the socket's rule
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return control.Dial(ctx, socket)
		},
	}}}
}

// send has a request signed for whoever the access token stands for, and sends
// it. An answer that is no success is an *api.Error.
func (u *upstream) send(ctx context.Context, access, method, target string, body []byte, proof *wire.Proof) (*http.Response, error) {
	signed, err := u.auth.Assert(ctx, wire.Ask{Access: access, Action: assert.Action(method, target), Digest: assert.Digest(body), Proof: proof})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://clawjail"+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if got := req.URL.RequestURI(); got != target {
		return nil, fmt.Errorf("the request %q would be sent as %q", target, got)
	}
	req.Header.Set(api.AssertionHeader, signed)
	res, err := u.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the supervisor: %w", err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	e := &api.Error{Status: res.StatusCode}
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // a part of it is a part of the reason
	if json.Unmarshal(b, e) != nil || e.Message == "" {
		e.Message = "the supervisor answers " + res.Status
	}
	return nil, e
}

// get asks for something.
func (u *upstream) get(ctx context.Context, access, target string, out any) error {
	b, err := u.raw(ctx, access, http.MethodGet, target, nil, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("decode the supervisor's answer: %w", err)
	}
	return nil
}

// raw asks, or has something done, and gives the answer as it came.
func (u *upstream) raw(ctx context.Context, access, method, target string, body []byte, proof *wire.Proof) ([]byte, error) {
	res, err := u.send(ctx, access, method, target, body, proof)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(b) > maxAnswer {
		err = fmt.Errorf("the supervisor's answer is larger than %d bytes", maxAnswer)
	}
	return b, err
}

// target builds a path of the supervisor's API; its parts are escaped.
func target(parts ...string) string {
	out := "/v1"
	for _, p := range parts {
		out += "/" + url.PathEscape(p)
	}
	return out
}
