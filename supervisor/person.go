package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/config"
	"clawjail/supervisor/config/secret"
	"clawjail/supervisor/limit"
)

// Bounds of what the console may ask.
const (
	maxConsoleBytes = 64 << 10         // of a request's body
	maxWatch        = time.Minute      // a watch ends, so that whoever lost a role stops seeing
	maxSearches     = 2                // of the audit log, at a time
	maxSearch       = 10 * time.Second // of one of them
	maxFound        = 500              // records of one answer
	maxSkillRecords = 1000
	maxSkillRecord  = 4 << 20
)

// persons verifies who stands behind a request of the console.
type persons struct {
	keys     *assert.Keys // nil: there is no console
	once     assert.Once
	searches chan struct{} // capacity maxSearches
	recorded allowance     // what the sign-in has recorded
}

// openPersons says what is unsafe and accepted, and reads the secret that the sign-in signs with. Without a console
// there is none to read, and nobody to verify.
func openPersons(c config.Config, log *slog.Logger) (*persons, error) {
	for _, o := range c.Overrides() {
		log.Warn("an unsafe setting is accepted", "setting", o.Key, "risk", o.Risk)
	}
	p := &persons{searches: make(chan struct{}, maxSearches)}
	if !c.Console() {
		return p, nil
	}
	b, err := secret.Token(c.AuthSecretFile)
	if err != nil {
		return nil, fmt.Errorf("the console's secret (auth.secret_file): %w", err)
	}
	p.keys, err = assert.New(b)
	return p, err
}

// consoleRoutes are what the gateway may carry for a person who signed in, and
// the role that each takes.
func (s *Supervisor) consoleRoutes(mux *http.ServeMux) {
	add := func(least assert.Role, pattern string, fn func(*call) (any, *api.Error)) {
		mux.Handle(pattern, s.asserted(least, fn))
	}
	add(assert.Viewer, "GET /v1/ping", (*call).ping)
	add(assert.Viewer, "GET /v1/jails", (*call).list)
	add(assert.Viewer, "GET /v1/jails/{id}", (*call).inspect)
	add(assert.Viewer, "GET /v1/approvals", (*call).listApprovals)
	add(assert.Viewer, "GET /v1/approvals/watch", (*call).watchApprovals)
	add(assert.Viewer, "GET /v1/approvals/notices", (*call).notices)
	add(assert.Viewer, "GET /v1/approvals/{id}", (*call).approval)
	add(assert.Viewer, "GET /v1/incidents", func(c *call) (any, *api.Error) { return c.s.incidents.List(), nil })
	add(assert.Viewer, "GET /v1/incidents/{id}", (*call).showIncident)
	add(assert.Viewer, "GET /v1/console/audit", (*call).searchAudit)
	add(assert.Viewer, "GET /v1/console/limits", (*call).usedLimits)
	add(assert.Viewer, "GET /v1/console/skills", (*call).skillRecords)
	add(assert.Responder, "GET /v1/console/checklist", (*call).keptChecklist)
	add(assert.Approver, "POST /v1/approvals/{id}/decide", (*call).decide)
	add(assert.Responder, "POST /v1/jails/{id}/freeze", (*call).freeze)
	add(assert.Responder, "POST /v1/jails/{id}/thaw", fresh(false, (*call).thaw))
	add(assert.Responder, "POST /v1/jails/{id}/kill", (*call).kill)
	add(assert.Responder, "POST /v1/incidents", (*call).openIncident)
	add(assert.Responder, "POST /v1/incidents/{id}/preserve", (*call).preserveIncident)
	add(assert.Responder, "POST /v1/incidents/{id}/assess", (*call).assessIncident)
	add(assert.Responder, "POST /v1/incidents/{id}/severity", (*call).rateIncident)
	add(assert.Responder, "POST /v1/incidents/{id}/release", fresh(true, (*call).releaseIncident))
	add(assert.Responder, "POST /v1/incidents/{id}/kill", (*call).killIncident)
	add(assert.Responder, "POST /v1/incidents/{id}/close", (*call).closeIncident)
}

// asserted lets a request through that a person stands behind: the gateway
// carries it, the sign-in signed it, and the role is enough for it.
func (s *Supervisor) asserted(least assert.Role, fn func(*call) (any, *api.Error)) http.Handler {
	carried := func(c *call) (any, *api.Error) {
		if c.peer.UID != 0 && c.peer.UID != s.opt.Config.GatewayUID {
			return nil, api.Errorf(http.StatusForbidden, "user %d is not the gateway", c.peer.UID)
		}
		person, apiErr := c.whose(least)
		if apiErr != nil {
			return nil, apiErr
		}
		c.person = person
		if c.r.Method == http.MethodGet {
			ctx, cancel := context.WithTimeout(c.r.Context(), maxWatch)
			defer cancel()
			c.r = c.r.WithContext(ctx)
		}
		return fn(c)
	}
	return s.identified(carried)
}

// whose verifies the assertion of a request against the request itself.
func (c *call) whose(least assert.Role) (*assert.Claims, *api.Error) {
	p := c.s.persons
	if p.keys == nil {
		return nil, api.Errorf(http.StatusForbidden, "there is no console").WithHint("set network.listen in the configuration: clawjail config init")
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxConsoleBytes))
	if err != nil {
		return nil, api.Errorf(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", maxConsoleBytes)
	}
	c.r.Body = io.NopCloser(bytes.NewReader(body))
	now := time.Now()
	claims, err := p.keys.Verify(c.r.Header.Get(api.AssertionHeader), assert.Console, now)
	switch {
	case err != nil:
		return nil, api.Errorf(http.StatusUnauthorized, "who stands behind the request: %v", err).WithHint("sign in again")
	case claims.Action != assert.Action(c.r.Method, c.r.URL.RequestURI()) || claims.Digest != assert.Digest(body):
		return nil, api.Errorf(http.StatusUnauthorized, "the request is not the one that was signed")
	case !p.once.Use(claims, now):
		return nil, api.Errorf(http.StatusUnauthorized, "the request came a second time")
	case !claims.Role.Includes(least):
		return nil, api.Errorf(http.StatusForbidden, "%s is %s, and this takes %s", claims.Subject, claims.Role, least)
	}
	return &claims, nil
}

// who is behind a call, in words: a person of the console, or the kernel's word.
func (c *call) who() string {
	if c.person != nil {
		how := string(c.person.Role)
		if c.person.StepUp != "" {
			how += ", " + c.person.StepUp // so that the log tells what was proven
		}
		return c.person.Subject + " (console, " + how + ")"
	}
	return userName(c.peer.UID)
}

// fresh is a call that takes a fresh second factor where the operator wants one.
func fresh(critical bool, fn func(*call) (any, *api.Error)) func(*call) (any, *api.Error) {
	return func(c *call) (any, *api.Error) {
		if apiErr := c.steppedUp(critical); apiErr != nil {
			return nil, apiErr
		}
		return fn(c)
	}
}

// steppedUp refuses a person who gave no fresh second factor for this request
// where auth.step_up asks for one.
func (c *call) steppedUp(critical bool) *api.Error {
	if c.person == nil || c.person.StepUp != "" || !c.s.opt.Config.NeedsStepUp(critical) {
		return nil
	}
	return api.Errorf(http.StatusForbidden, "this takes a fresh code of the authenticator, or a passkey (auth.step_up: %s)", c.s.opt.Config.StepUp).
		WithHint("the console asks for it; a program sends the code in the header %s", api.CodeHeader)
}

// deciding is steppedUp for an answer: to approve what cannot surely be undone,
// what spends, or more than what was shown, is critical.
func (c *call) deciding(d api.DecideRequest) *api.Error {
	if c.person == nil || !d.Approve {
		return nil
	}
	critical := d.Scope != "" && d.Scope != string(approval.ScopeOnce)
	if held, err := c.s.approvals.Find(c.r.PathValue("id")); err == nil {
		critical = critical || approval.Critical(held.Request)
	}
	return c.steppedUp(critical)
}

// searchAudit gives the newest records that match.
func (c *call) searchAudit() (any, *api.Error) {
	q := c.r.URL.Query()
	f := audit.Filter{Jail: q.Get("jail"), Gate: q.Get("gate"), Verdict: q.Get("verdict")}
	for key, at := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if v := q.Get(key); v != "" {
			t, err := time.Parse(time.RFC3339, v)
			if err != nil {
				return nil, api.Errorf(http.StatusBadRequest, "%s: %q is no time", key, v)
			}
			*at = t
		}
	}
	select {
	case c.s.persons.searches <- struct{}{}:
		defer func() { <-c.s.persons.searches }()
	default:
		return nil, api.Errorf(http.StatusTooManyRequests, "others search the log at this moment").WithHint("try again in a few seconds")
	}
	text := strings.ToLower(q.Get("text"))
	if text == "" {
		f.Limit = maxFound
	}
	out := api.AuditPage{Records: []json.RawMessage{}}
	end := time.Now().Add(maxSearch)
	for r, err := range audit.Query(c.s.opt.Config.AuditDir(), f) {
		var corrupt *audit.CorruptError
		switch {
		case errors.As(err, &corrupt):
			out.Damaged++
			continue
		case err != nil:
			return nil, api.Errorf(http.StatusInternalServerError, "read the log: %v", err)
		case time.Now().After(end):
			out.More = true
			return out, nil
		case text != "" && !mentions(r, text):
			continue
		}
		if len(out.Records) >= maxFound {
			out.Records, out.More = append(out.Records[:0], out.Records[1:]...), true
		}
		b, err := json.Marshal(r)
		if err != nil {
			return nil, api.Errorf(http.StatusInternalServerError, "encode a record: %v", err)
		}
		out.Records = append(out.Records, b)
	}
	return out, nil
}

// mentions reports whether a record has a text anywhere that people see.
func mentions(r audit.Record, text string) bool {
	list := append([]string{r.Jail, r.Rule, r.Subject.Op, r.Subject.Name, r.Subject.Path, r.Subject.Path2, r.Subject.Host, r.Subject.Addr, r.Subject.Message}, r.Subject.Argv...)
	if r.Decision != nil {
		list = append(list, r.Decision.By, r.Decision.Reason, r.Decision.ID)
	}
	for _, s := range list {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return false
}

// usedLimits gives what is left of the limits of the jails that run.
func (c *call) usedLimits() (any, *api.Error) {
	out := api.Limits{Limits: []api.Limit{}}
	type bound struct {
		id, name string
		max      int64
		per      time.Duration
		over     string
	}
	var bounds []bound
	c.s.loop.do(func(t *table) {
		for _, e := range t.live {
			if e.view != nil && e.view.policy != nil && e.view.policy.Delete.Limit > 0 {
				d := e.view.policy.Delete
				bounds = append(bounds, bound{e.jail.ID, e.jail.Name, d.Limit, d.Per, d.Over.String()})
			}
		}
	})
	for _, b := range bounds {
		used, err := c.s.limits.Used("delete/"+b.name, limit.Limit{Max: b.max, Per: b.per})
		l := api.Limit{Jail: b.id, Name: b.name, What: "deletions", Max: b.max, Per: b.per, Used: used, Left: max(0, b.max-used), Over: b.over, Rule: "delete"}
		if err != nil {
			l.Problem, l.Left = err.Error(), 0
		}
		out.Limits = append(out.Limits, l)
	}
	out.Limits = append(out.Limits, c.s.actionLimits()...)
	return out, nil
}

// skillRecords gives the records of installed skills as they are: this process
// does not look into them.
func (c *call) skillRecords() (any, *api.Error) {
	out := api.SkillRecords{Records: [][]byte{}}
	names, err := filepath.Glob(filepath.Join(c.s.opt.Config.StateDir, "skills", "installed", "*.json"))
	if err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "list the skills: %v", err)
	}
	for _, name := range names[:min(len(names), maxSkillRecords)] {
		info, err := os.Lstat(name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxSkillRecord || out.Bytes+info.Size() > api.MaxApprovalsBytes {
			out.Unreadable++
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			out.Unreadable++
			continue
		}
		out.Bytes += info.Size()
		out.Records = append(out.Records, b)
	}
	return out, nil
}
