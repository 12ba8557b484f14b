package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/gateway/auth/wire"
)

// operation is one call of the API: what the description says and what the
// server does, from one table.
type operation struct {
	method, path string
	summary      string
	least        string // role; empty: nobody needs to be signed in
	up           string // the supervisor's path, where it is only handed on
	query        []string
	body, answer string // names of schemas
	code         bool   // may, or must, come with a fresh code
	fn           func(*apiCall) (any, error)
}

type apiCall struct {
	s    *Server
	r    *http.Request
	body []byte
	visitor
}

// signInPath is where programs sign in.
const signInPath = "/api/v1/sign-in"

// operations is the whole API.
func operations() []operation {
	return append([]operation{
		{method: "POST", path: signInPath, summary: "Sign in with a password and a second factor.", body: "SignIn", answer: "Tokens", fn: apiSignIn},
		{method: "POST", path: "/api/v1/refresh", summary: "Get new tokens for a refresh token, which counts once.", body: "Refresh", answer: "Tokens", fn: apiRefresh},
		{method: "POST", path: "/api/v1/sign-out", summary: "End this session.", least: "viewer", answer: "Nothing", fn: apiSignOut},
		{method: "GET", path: "/api/v1/me", summary: "Who the access token stands for.", least: "viewer", answer: "Identity", fn: func(c *apiCall) (any, error) { return c.Identity, nil }},
		{method: "GET", path: "/api/v1/approvals", summary: "What is held for a person, the oldest of every jail first.", least: "viewer", up: "/v1/approvals", answer: "Approvals"},
		{method: "GET", path: "/api/v1/approvals/{id}", summary: "One held request.", least: "viewer", up: "/v1/approvals/{id}", answer: "Approval"},
		{method: "POST", path: "/api/v1/approvals/{id}/decide", summary: "Approve or deny exactly what was shown.", least: "approver", up: "/v1/approvals/{id}/decide", code: true, body: "Decide", answer: "Decided"},
		{method: "GET", path: "/api/v1/jails", summary: "The jails, with all=true those that ended too.", least: "viewer", up: "/v1/jails", query: []string{"all"}, answer: "Jails"},
		{method: "GET", path: "/api/v1/jails/{id}", summary: "One jail, by id or name.", least: "viewer", up: "/v1/jails/{id}", answer: "Jail"},
		{method: "POST", path: "/api/v1/jails/{id}/freeze", summary: "Stop every process of a jail where it stands.", least: "responder", up: "/v1/jails/{id}/freeze", answer: "Jail"},
		{method: "POST", path: "/api/v1/jails/{id}/thaw", summary: "Let a frozen jail go on.", least: "responder", up: "/v1/jails/{id}/thaw", code: true, answer: "Jail"},
		{method: "POST", path: "/api/v1/jails/{id}/kill", summary: "End a jail and everything in it.", least: "responder", up: "/v1/jails/{id}/kill", answer: "Jail"},
		{method: "GET", path: "/api/v1/incidents", summary: "The incidents, the newest first.", least: "viewer", up: "/v1/incidents", answer: "Incidents"},
		{method: "POST", path: "/api/v1/incidents", summary: "Freeze a jail and open an incident about it.", least: "responder", up: "/v1/incidents", body: "OpenIncident", answer: "Incident"},
		{method: "GET", path: "/api/v1/incidents/{id}", summary: "One incident with its timeline.", least: "viewer", up: "/v1/incidents/{id}", answer: "Incident"},
		{method: "POST", path: "/api/v1/incidents/{id}/release", summary: "Let the jail of an incident go on.", least: "responder", up: "/v1/incidents/{id}/release", code: true, body: "Reason", answer: "Incident"},
		{method: "POST", path: "/api/v1/incidents/{id}/kill", summary: "Kill the jail of an incident.", least: "responder", up: "/v1/incidents/{id}/kill", body: "Reason", answer: "Incident"},
		{method: "POST", path: "/api/v1/incidents/{id}/severity", summary: "Change how bad an incident is.", least: "responder", up: "/v1/incidents/{id}/severity", body: "Severity", answer: "Incident"},
		{method: "POST", path: "/api/v1/incidents/{id}/preserve", summary: "Take evidence again.", least: "responder", up: "/v1/incidents/{id}/preserve", body: "Preserve", answer: "Incident"},
		{method: "POST", path: "/api/v1/incidents/{id}/assess", summary: "Assess the damage again.", least: "responder", up: "/v1/incidents/{id}/assess", answer: "Incident"},
		{method: "POST", path: "/api/v1/incidents/{id}/close", summary: "Close an incident with a conclusion.", least: "responder", up: "/v1/incidents/{id}/close", body: "Reason", answer: "Incident"},
		{method: "GET", path: "/api/v1/audit", summary: "Search the audit log.", least: "viewer", up: "/v1/console/audit", query: []string{"jail", "gate", "verdict", "since", "until", "text"}, answer: "AuditPage"},
		{method: "GET", path: "/api/v1/limits", summary: "What is left of limits.", least: "viewer", up: "/v1/console/limits", answer: "Limits"},
		{method: "GET", path: "/api/v1/skills", summary: "The installed skills, with what was found in them.", least: "viewer", answer: "Skills", fn: apiSkills},
		{method: "GET", path: "/api/v1/health", summary: "What the console knows of its own health.", least: "viewer", answer: "Health", fn: apiHealth},
		{method: "GET", path: "/api/v1/checklist", summary: "What the last run of the production checklist found, and what is due again.", least: "responder", answer: "Checklist", fn: apiChecklist},
	}, personOperations()...)
}

// apiRoutes adds the API and its description. It takes tokens in the header
// Authorization and no cookies, so no page elsewhere can use it.
func (s *Server) apiRoutes(mux *http.ServeMux) {
	for _, o := range operations() {
		mux.Handle(o.method+" "+o.path, s.operate(o))
	}
	mux.Handle("GET /api/v1/events", s.bearer(func(w http.ResponseWriter, r *http.Request, v visitor) {
		if err := events(&view{s: s, w: w, r: r, visitor: v}); err != nil {
			s.answer(w, nil, err)
		}
	}))
	description, err := json.MarshalIndent(describe(s.opt.Origin), "", " ")
	mux.HandleFunc("GET /api/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			s.answer(w, nil, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(description) // a client that went away asks again
	})
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		s.answer(w, nil, &api.Error{Status: http.StatusNotFound, Message: "no such call", Hint: "GET /api/openapi.json lists them"})
	})
}

// bearer serves who has an access token. Every request counts for its client.
func (s *Server) bearer(fn func(http.ResponseWriter, *http.Request, visitor)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitor{client: clientOf(r)}
		if s.limited(w, s.strangers, network(v.client)) {
			return
		}
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="clawjail"`)
			s.answer(w, nil, &wire.Refusal{Status: http.StatusUnauthorized, Message: "an access token is needed", Hint: "POST /api/v1/sign-in gives one"})
			return
		}
		id, err := s.opt.Auth.Check(r.Context(), token)
		if err != nil {
			s.answer(w, nil, err)
			return
		}
		if id.MustChange && !slices.Contains(beforeChange(), r.URL.Path) {
			s.answer(w, nil, &wire.Refusal{Status: http.StatusForbidden, Message: "somebody else gave you your password: change it first", Hint: "POST /api/v1/account/password"})
			return
		}
		v.Identity, v.access = id, token
		fn(w, r, v)
	})
}

// beforeChange are the calls of somebody who has to change the password first.
func beforeChange() []string {
	return []string{"/api/v1/me", "/api/v1/sign-out", "/api/v1/account/password"}
}

func (s *Server) operate(o operation) http.Handler {
	do := func(w http.ResponseWriter, r *http.Request, v visitor) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.answer(w, nil, &api.Error{Status: http.StatusRequestEntityTooLarge, Message: "the request is too large"})
			return
		}
		c := &apiCall{s: s, r: r, body: body, visitor: v}
		if o.fn != nil {
			out, err := o.fn(c)
			s.answer(w, out, err)
			return
		}
		out, err := c.handOn(o)
		s.answer(w, json.RawMessage(out), err)
	}
	if o.least != "" {
		return s.bearer(do)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.path == signInPath && s.throttle(w, r) {
			return
		}
		v := visitor{client: clientOf(r)}
		if o.path == signInPath || !s.limited(w, s.strangers, network(v.client)) {
			do(w, r, v)
		}
	})
}

// handOn asks the supervisor the same, in the name of the person.
func (c *apiCall) handOn(o operation) ([]byte, error) {
	var parts []string
	for _, p := range strings.Split(strings.TrimPrefix(o.up, "/v1/"), "/") {
		if name, is := strings.CutPrefix(p, "{"); is {
			p = c.r.PathValue(strings.TrimSuffix(name, "}"))
		}
		parts = append(parts, p)
	}
	to := target(parts...)
	query := c.r.URL.Query()
	for key := range query {
		known := false
		for _, k := range o.query {
			known = known || k == key
		}
		if !known {
			return nil, &api.Error{Status: http.StatusBadRequest, Message: "there is no parameter " + key}
		}
	}
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	body := c.body
	if o.method == http.MethodPost && len(body) == 0 {
		body = []byte("{}")
	}
	return c.s.up.raw(c.r.Context(), c.access, o.method, to, body, c.proof())
}

// answer writes what came of a call as JSON.
func (s *Server) answer(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	var apiErr *api.Error
	var refused *wire.Refusal
	switch {
	case errors.As(err, &apiErr):
		status, v = apiErr.Status, apiError{apiErr.Message, apiErr.Hint}
	case errors.As(err, &refused):
		status, v = refused.Status, apiError{refused.Message, refused.Hint}
	case err != nil:
		s.opt.Logger.Warn("a call of the API", "error", err)
		status, v = http.StatusBadGateway, apiError{"the supervisor or the sign-in does not answer", "systemctl status clawjail clawjail-gateway"}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that went away asks again
}

type apiError struct {
	Message string `json:"error"`
	Hint    string `json:"hint,omitempty"`
}

func (c *apiCall) decode(v any) error {
	d := json.NewDecoder(strings.NewReader(string(c.body)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return &api.Error{Status: http.StatusBadRequest, Message: "decode the request: " + err.Error()}
	}
	return nil
}

func apiSignIn(c *apiCall) (any, error) {
	var in struct {
		User     string `json:"user"`
		Password string `json:"password"`
		Code     string `json:"code"`
		Device   string `json:"device_token"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := c.s.opt.Auth.SignIn(c.r.Context(), wire.SignIn{User: in.User, Password: in.Password, Code: in.Code, Device: in.Device, Client: c.client.String()})
	c.s.attempted(err)
	return t, err
}

func apiRefresh(c *apiCall) (any, error) {
	var in struct {
		Refresh string `json:"refresh_token"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return c.s.opt.Auth.Refresh(c.r.Context(), in.Refresh)
}

func apiSignOut(c *apiCall) (any, error) {
	return struct{}{}, c.s.opt.Auth.SignOut(c.r.Context(), c.access)
}

func apiHealth(c *apiCall) (any, error) {
	var d healthData
	ctx, cancel := context.WithTimeout(c.r.Context(), 5*time.Second)
	defer cancel()
	checks := c.s.health(ctx, &d, func(ctx context.Context) error { return c.s.up.get(ctx, c.access, "/v1/ping", &d.Ping) })
	out := []map[string]string{}
	for _, k := range checks {
		out = append(out, map[string]string{"name": k.Name, "state": k.State, "detail": k.Detail, "hint": k.Hint})
	}
	return map[string]any{"checks": out}, nil
}
