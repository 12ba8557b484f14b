package web

import (
	"encoding/json"
	"net/http"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/gateway/auth/wire"
)

// personOperations are those about users.
func personOperations() []operation {
	out := []operation{
		{method: "GET", path: "/api/v1/account", summary: "What a person sees of their own.", least: "viewer", answer: "Account", fn: apiAccount},
		{method: "POST", path: "/api/v1/account/password", summary: "Change the own password; every other session ends.", least: "viewer", body: "NewPassword", answer: "Nothing", fn: apiPassword},
		{method: "GET", path: "/api/v1/users", summary: "Who may sign in.", least: "admin", answer: "Users", fn: func(c *apiCall) (any, error) { return c.s.opt.Auth.People(c.r.Context(), c.access) }},
		{method: "POST", path: "/api/v1/users", summary: "Add a user. What they sign in with is in the answer, and nowhere again.", least: "admin", code: true, body: "AddUser", answer: "Given", fn: apiAddUser},
		{method: "GET", path: "/api/v1/users/{name}", summary: "One user.", least: "admin", answer: "User", fn: func(c *apiCall) (any, error) { return c.s.person(c.r, c.access) }},
	}
	for _, o := range []struct{ verb, summary, body string }{
		{wire.SetRole, "Change what a user may do.", "Role"},
		{wire.Disable, "Let a user not sign in any more, and end their sessions.", ""},
		{wire.Enable, "Let a user sign in again.", ""},
		{wire.SetPassword, "Give a user a new password, and end their sessions.", ""},
		{wire.SetFactor, "Give a user a new authenticator and recovery codes, forget their passkeys, and end their sessions.", ""},
		{wire.Reset, "Give a user a new password, authenticator and recovery codes, forget their passkeys, and end their sessions.", ""},
		{wire.EndSessions, "End one session of a user, or all.", "EndSessions"},
	} {
		out = append(out, operation{method: "POST", path: "/api/v1/users/{name}/" + o.verb, summary: o.summary, least: "admin", code: true, body: o.body, answer: "Given",
			fn: func(c *apiCall) (any, error) { return c.changePerson(o.verb) }})
	}
	return out
}

// proof is the fresh code of a program, or none.
func (c *apiCall) proof() *wire.Proof {
	code := c.r.Header.Get(api.CodeHeader)
	if code == "" {
		return nil
	}
	return &wire.Proof{Code: code, Client: c.client.String()}
}

func apiAccount(c *apiCall) (any, error) { return c.s.opt.Auth.Account(c.r.Context(), c.access) }

func apiPassword(c *apiCall) (any, error) {
	var in struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return struct{}{}, c.s.opt.Auth.ChangePassword(c.r.Context(), wire.NewPassword{Access: c.access, Old: in.Old, New: in.New, Client: c.client.String()})
}

func apiAddUser(c *apiCall) (any, error) {
	var in struct {
		Name      string      `json:"name"`
		Role      assert.Role `json:"role"`
		NoFactor  bool        `json:"no_authenticator"`
		NoAccount bool        `json:"no_account"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return c.s.opt.Auth.ChangePerson(c.r.Context(), wire.People{Access: c.access, Proof: c.proof(),
		Change: &wire.Change{Verb: wire.Add, Name: in.Name, Role: in.Role, NoFactor: in.NoFactor, NoAccount: in.NoAccount}})
}

func (c *apiCall) changePerson(verb string) (any, error) {
	var in struct {
		Role    assert.Role `json:"role"`
		Session string      `json:"session"`
	}
	if len(c.body) > 0 {
		if err := c.decode(&in); err != nil {
			return nil, err
		}
	}
	return c.s.opt.Auth.ChangePerson(c.r.Context(), wire.People{Access: c.access, Proof: c.proof(),
		Change: &wire.Change{Verb: verb, Name: c.r.PathValue("name"), Role: in.Role, Session: in.Session}})
}

// apiSkills gives the installed skills with their findings.
func apiSkills(c *apiCall) (any, error) {
	var list api.SkillRecords
	if err := c.s.up.get(c.r.Context(), c.access, "/v1/console/skills", &list); err != nil {
		return nil, err
	}
	d := skillsOf(list)
	out := make([]json.RawMessage, 0, len(d.Skills))
	for _, r := range d.Skills {
		b, err := json.Marshal(r)
		if err != nil {
			return nil, &api.Error{Status: http.StatusInternalServerError, Message: "the record of a skill cannot be written"}
		}
		out = append(out, b)
	}
	return map[string]any{"skills": out, "unreadable": d.Unreadable}, nil
}
