package supervisor

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/journal"
	"clawjail/supervisor/approval/serve"
	"clawjail/supervisor/control"
	"clawjail/supervisor/notify/rota"
)

// approvalOptions are what an operator decides about approvals.
type approvalOptions struct {
	Group    string // unix group whose members may approve; empty: root alone
	FourEyes bool   // whoever started a jail may not approve for it
	Clock    approval.Clock
}

// approvals is what waits for a human, with its journal.
type approvals struct {
	*approval.Queue
	journal     *journal.Journal
	opt         approvalOptions
	rota        rota.Rota     // who is asked, and who may answer
	escalations atomic.Uint64 // steps that were made
}

// openApprovals opens the journal and brings back what it holds.
func (s *Supervisor) openApprovals(opt approvalOptions) (*approvals, error) {
	duty, err := rota.New(s.opt.Config)
	if err != nil {
		return nil, err
	}
	for _, w := range s.opt.Config.Warnings() {
		s.log.Warn(w)
	}
	j, err := journal.Open(filepath.Join(s.opt.Config.StateDir, "state.db"))
	if err != nil {
		return nil, err
	}
	q := approval.New(approval.Options{
		Journal:    j,
		Scopes:     j,
		Trails:     j,
		Clock:      opt.Clock,
		Rules:      func(r approval.Request) approval.Rule { return ruleOf(duty, r) },
		Boot:       bootID(),
		FourEyes:   opt.FourEyes,
		OnDecision: s.recordDecision,
		OnError:    func(err error) { s.log.Error("journal of approvals", "error", err) },
	})
	requests, err := j.Load()
	if err != nil {
		s.log.Error("some held requests could not be read back; they are denied", "error", err)
	}
	if n := len(q.Restore(requests)); n > 0 {
		s.log.Info("held requests restored", "count", n)
	}
	trails, err := j.Trails()
	if err != nil {
		s.log.Error("who was told of some held requests could not be read back; they are told again", "error", err)
	}
	q.Follow(trails)
	scopes, err := j.Scopes()
	if err != nil {
		s.log.Error("some remembered decisions could not be read back; they are asked for again", "error", err)
	}
	q.Recall(scopes)
	return &approvals{Queue: q, journal: j, opt: opt, rota: duty}, nil
}

// ruleOf is what the operator decided about a request.
func ruleOf(duty rota.Rota, r approval.Request) approval.Rule {
	k, _ := duty.Category(r.Gate, r.Op)
	return approval.Rule{Category: k.Name, Severity: k.Severity, People: k.People()}
}

// close answers everybody who waits and closes the journal. The waiters must
// still be able to record and must have ended before the audit log closes.
func (a *approvals) close() error {
	a.Queue.Close()
	return a.journal.Close()
}

// recordDecision writes the audit record of a decision, before anybody acts on it.
func (s *Supervisor) recordDecision(r approval.Request, d approval.Decision) error {
	verdict := "deny"
	switch {
	case d.Allowed():
		verdict = "allow"
	case d.Outcome == approval.Seconding: // nothing is decided
		verdict = "ask"
	}
	reason := d.Outcome.String()
	if d.Scope.Kind != "" {
		reason += ", " + d.Scope.String()
	}
	if d.Category != "" {
		reason += ", category " + d.Category
	}
	if d.With != "" {
		reason += ", with " + d.With
	}
	if d.Grant != "" {
		reason += ", covered by " + d.Grant
	}
	if d.Reason != "" {
		reason += ": " + d.Reason
	}
	by := d.By.String()
	if by != "" {
		by += uidNote(d.By)
	}
	rec := audit.Record{
		Time: time.Now(), Jail: r.Jail, Gate: r.Gate, Verdict: verdict, Rule: r.Rule,
		Subject: audit.Subject{Op: r.Op, Path: r.Path, Path2: r.Path2, Argv: r.Argv, SHA256: r.SHA256,
			Host: r.Host, Port: r.Port, Truncated: r.ArgvSHA256 != ""},
		Decision: &audit.Decision{ID: d.ID, By: by, HeldMS: float64(d.Held.Microseconds()) / 1000, Digest: r.Digest, Reason: reason},
	}
	if r.ArgvSHA256 != "" {
		rec.Subject.Argc, rec.Subject.ArgvSHA256 = r.Argc, r.ArgvSHA256
	}
	if r.Addr.IsValid() {
		rec.Subject.Addr = r.Addr.String()
	}
	return s.audit.append(rec)
}

// approvalRoutes adds the calls of approvers.
func (s *Supervisor) approvalRoutes(add func(string, func(*call) (any, *api.Error))) {
	add("GET /v1/approvals", (*call).listApprovals)
	add("GET /v1/approvals/watch", (*call).watchApprovals)
	add("GET /v1/approvals/notices", (*call).notices)
	add("GET /v1/approvals/on-duty", (*call).onDuty)
	add("GET /v1/approvals/{id}", (*call).approval)
	add("GET /v1/approvals/{id}/ended", func(c *call) (any, *api.Error) { return serve.Ended(c.s.approvals.Queue, c.r.PathValue("id")) })
	add("POST /v1/approvals/{id}/decide", (*call).decide)
}

// mayApprove reports whether a peer is an approver.
func (a *approvals) mayApprove(peer control.Peer) bool {
	return peer.UID == 0 || a.opt.Group != "" && memberOf(peer, a.opt.Group)
}

func (c *call) listApprovals() (any, *api.Error) { return serve.List(c.s.approvals.Queue) }

func (c *call) notices() (any, *api.Error) {
	return serve.Notices(c.s.approvals.Queue, c.r.URL.Query().Get("jail")), nil
}

// approval gives all of a request to somebody, who is noted as having seen it: the
// first time that is recorded. It is shown all the same where that fails; nobody
// can approve then anyway.
func (c *call) approval() (any, *api.Error) {
	by := c.looks()
	a, v, first, apiErr := serve.See(c.s.approvals.Queue, c.r.PathValue("id"), by)
	if apiErr != nil {
		return nil, apiErr
	}
	if first {
		c.s.notePeople(v.Request, opSeen, "", "request "+v.ID+" seen by "+by.String(), by)
	}
	return a, nil
}

func (c *call) watchApprovals() (any, *api.Error) {
	return nil, serve.Watch(c.r.Context(), c.s.approvals.Queue, c.w)
}

// decide lets an approver answer. Who asks is the user that the kernel saw
// connect, and must be outside of every jail.
func (c *call) decide() (any, *api.Error) {
	var r api.DecideRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	if c.person == nil && !c.s.approvals.mayApprove(c.peer) { // the role of a person was looked at
		return nil, c.notAnApprover()
	}
	if err := outsideJails(c.peer.PID); err != nil {
		return nil, api.Errorf(http.StatusForbidden, "approve: %v", err)
	}
	if apiErr := c.deciding(r); apiErr != nil {
		return nil, apiErr
	}
	v, err := c.s.approvals.Find(c.r.PathValue("id"))
	if err != nil {
		return nil, serve.Refusal(err)
	}
	by, apiErr := c.decides(v, r.Approve)
	if apiErr != nil {
		return nil, apiErr
	}
	return serve.Decide(c.s.approvals.Queue, c.r.PathValue("id"), r, by)
}

func (c *call) notAnApprover() *api.Error {
	e := api.Errorf(http.StatusForbidden, "user %d is no approver", c.peer.UID)
	if g := c.s.approvals.opt.Group; g != "" {
		return e.WithHint("have an administrator add you to the group %q, or use sudo", g)
	}
	return e.WithHint("use sudo, or have an administrator set \"approvers\" to a group in the configuration")
}

// outsideJails refuses who is in a jail. Nobody there can reach the socket; if
// that ever fails, approving must not work on top of it.
func outsideJails(pid int) error {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return fmt.Errorf("who asks cannot be told: %w", err)
	}
	if inJail(string(b)) {
		return errors.New("not from inside a jail")
	}
	return nil
}

// inJail reads the text of /proc/PID/cgroup: jails are below a directory
// "clawjail" in every hierarchy.
func inJail(cgroups string) bool { return strings.Contains(cgroups, "/clawjail/") }

func userName(uid uint32) string {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return fmt.Sprintf("uid %d", uid)
	}
	return u.Username
}
