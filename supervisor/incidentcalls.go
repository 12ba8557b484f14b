package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"clawjail/supervisor/api"
	"clawjail/supervisor/incident"
)

// incidentRoutes adds the calls of responders.
func (s *Supervisor) incidentRoutes(add func(string, func(*call) (any, *api.Error))) {
	add("GET /v1/incidents", func(c *call) (any, *api.Error) { return c.s.incidents.List(), nil })
	add("POST /v1/incidents", (*call).openIncident)
	add("GET /v1/incidents/{id}", (*call).showIncident)
	add("POST /v1/incidents/{id}/preserve", (*call).preserveIncident)
	add("POST /v1/incidents/{id}/assess", (*call).assessIncident)
	add("POST /v1/incidents/{id}/severity", (*call).rateIncident)
	add("POST /v1/incidents/{id}/release", (*call).releaseIncident)
	add("POST /v1/incidents/{id}/kill", (*call).killIncident)
	add("POST /v1/incidents/{id}/restore", (*call).restoredIncident)
	add("POST /v1/incidents/{id}/close", (*call).closeIncident)
}

// responder is who calls, in words; the kernel's word, not theirs.
func (c *call) responder() string { return c.who() }

// mayRelease refuses whoever may not end what an incident holds: releasing is an
// approval.
func (c *call) mayRelease() *api.Error {
	if err := outsideJails(c.peer.PID); err != nil {
		return api.Errorf(http.StatusForbidden, "decide about an incident: %v", err)
	}
	if c.person == nil && !c.s.approvals.mayApprove(c.peer) { // the role of a person was looked at
		return c.notAnApprover()
	}
	return nil
}

// incidentError gives an error of the store its status.
func incidentError(err error) *api.Error {
	if errors.Is(err, incident.ErrNotFound) {
		return api.Errorf(http.StatusNotFound, "%v", err).WithHint("clawjail incident list")
	}
	return api.Errorf(http.StatusConflict, "%v", err)
}

// one gives the incident that the path names.
func (c *call) incident() (incident.Incident, *api.Error) {
	in, err := c.s.incidents.Get(c.r.PathValue("id"))
	if err != nil {
		return in, incidentError(err)
	}
	return in, nil
}

func (c *call) showIncident() (any, *api.Error) {
	in, apiErr := c.incident()
	if apiErr != nil {
		return nil, apiErr
	}
	return in, nil
}

// openIncident is a person's: the jail is frozen first.
func (c *call) openIncident() (any, *api.Error) {
	var r api.OpenIncidentRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	scope, severity := incident.HoldJail, incident.Medium
	if r.Hold != "" {
		scope = incident.Scope(r.Hold)
	}
	if scope != incident.HoldJail && scope != incident.HoldAgent && scope != incident.HoldUser {
		return nil, api.Errorf(http.StatusBadRequest, "unknown hold %q", r.Hold).WithHint("it is jail, agent or user")
	}
	if r.Severity != "" {
		var err error
		if severity, err = incident.ParseSeverity(r.Severity); err != nil {
			return nil, api.Errorf(http.StatusBadRequest, "%v", err)
		}
	}
	c.r.SetPathValue("id", r.Jail)
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, apiErr
	}
	if apiErr := c.s.freeze(c.r.Context(), e, true, "incident opened by "+c.responder()); apiErr != nil {
		return nil, apiErr
	}
	in, fresh, err := c.s.begin(e, incident.Trigger{Kind: triggerPerson, What: r.Reason, By: c.responder()}, scope, severity, r.Drill)
	if err != nil && in.ID == "" {
		return nil, incidentError(err)
	}
	if !fresh {
		return in, nil
	}
	// Not with the request's context: a responder who goes away must not leave
	// half of it undone.
	c.s.pursue(e, in)
	return c.again(in.ID)
}

// again gives an incident as it is now.
func (c *call) again(id string) (any, *api.Error) {
	c.r.SetPathValue("id", id)
	return c.showIncident()
}

// entryOf finds the jail of an incident, running or ended.
func (c *call) entryOf(in incident.Incident) (*entry, *api.Error) {
	var e *entry
	c.s.loop.do(func(t *table) { e = t.find(in.Subject.Jail) })
	if e == nil {
		return nil, api.Errorf(http.StatusGone, "jail %s of incident %s is gone, and with it what could be looked at", in.Subject.Jail, in.ID)
	}
	return e, nil
}

func (c *call) preserveIncident() (any, *api.Error) {
	var r api.PreserveRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	in, apiErr := c.incident()
	if apiErr != nil {
		return nil, apiErr
	}
	e, apiErr := c.entryOf(in)
	if apiErr != nil {
		return nil, apiErr
	}
	in, err := c.s.preserve(context.WithoutCancel(c.r.Context()), e, in.ID, c.responder(), r.Memory)
	if err != nil {
		return nil, incidentError(err)
	}
	return in, nil
}

func (c *call) assessIncident() (any, *api.Error) {
	in, apiErr := c.incident()
	if apiErr != nil {
		return nil, apiErr
	}
	in, err := c.s.assess(in.ID, c.responder())
	if err != nil {
		return nil, incidentError(err)
	}
	return c.played(in.ID, incident.Assessed)
}

func (c *call) rateIncident() (any, *api.Error) {
	var r api.SeverityRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	severity, err := incident.ParseSeverity(r.Severity)
	if err != nil {
		return nil, api.Errorf(http.StatusBadRequest, "%v", err)
	}
	in, apiErr := c.incident()
	if apiErr != nil {
		return nil, apiErr
	}
	if in, err = c.s.incidents.SetSeverity(in.ID, c.responder(), severity); err != nil {
		return nil, incidentError(err)
	}
	c.s.incidentRecord(in, "rate", c.responder(), string(severity))
	return in, nil
}

// decideIncident reads what release, kill and close have in common.
func (c *call) decideIncident() (incident.Incident, string, *api.Error) {
	var r api.ReasonRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return incident.Incident{}, "", apiErr
	}
	if apiErr := c.mayRelease(); apiErr != nil {
		return incident.Incident{}, "", apiErr
	}
	in, apiErr := c.incident()
	return in, r.Reason, apiErr
}

func (c *call) releaseIncident() (any, *api.Error) {
	in, reason, apiErr := c.decideIncident()
	if apiErr != nil {
		return nil, apiErr
	}
	// The decision is on the disk before anything goes on.
	in, err := c.s.incidents.Decide(in.ID, c.responder(), incident.Release, reason)
	if err != nil {
		return nil, incidentError(err)
	}
	became, apiErr := c.s.let(c.r.Context(), in)
	if apiErr != nil {
		return nil, apiErr.WithHint("the incident is released; `clawjail thaw %s` tries again", in.Subject.Name)
	}
	c.s.incidentRecord(in, "release", c.responder(), reason+"; "+became)
	c.s.tellIncident(in, "released", "by "+c.responder()+": "+reason)
	return c.played(in.ID, incident.Released)
}

func (c *call) killIncident() (any, *api.Error) {
	in, reason, apiErr := c.decideIncident()
	if apiErr != nil {
		return nil, apiErr
	}
	in, err := c.s.incidents.Decide(in.ID, c.responder(), incident.Kill, reason)
	if err != nil {
		return nil, incidentError(err)
	}
	var e *entry
	c.s.loop.do(func(t *table) { e = t.live[in.Subject.Jail] })
	if e != nil {
		if apiErr := c.s.kill(c.r.Context(), e, "incident "+in.ID+": "+reason); apiErr != nil {
			return nil, apiErr
		}
	}
	c.s.incidentRecord(in, "kill", c.responder(), reason)
	c.s.tellIncident(in, "killed", "by "+c.responder()+": "+reason)
	return c.played(in.ID, incident.Killed)
}

// restoredIncident keeps that a good copy was put in place, which the command line
// has done.
func (c *call) restoredIncident() (any, *api.Error) {
	in, what, apiErr := c.decideIncident()
	if apiErr != nil {
		return nil, apiErr
	}
	in, err := c.s.incidents.Decide(in.ID, c.responder(), incident.Restore, what)
	if err != nil {
		return nil, incidentError(err)
	}
	c.s.incidentRecord(in, "restore", c.responder(), what)
	c.s.tellIncident(in, "restored", "by "+c.responder()+": "+what)
	return c.played(in.ID, incident.Restored)
}

func (c *call) closeIncident() (any, *api.Error) {
	in, conclusion, apiErr := c.decideIncident()
	if apiErr != nil {
		return nil, apiErr
	}
	in, err := c.s.incidents.Conclude(in.ID, c.responder(), conclusion)
	if err != nil {
		return nil, incidentError(err)
	}
	c.s.incidentRecord(in, "close", c.responder(), conclusion)
	c.s.tellIncident(in, "closed", "by "+c.responder()+": "+conclusion)
	if in.Drill {
		c.s.audit.supervisor("drill", fmt.Sprintf("incident %s, an exercise, went its whole way; closed by %s", in.ID, c.responder()))
	}
	return c.played(in.ID, incident.Closed)
}

// played runs the commands of a stage and gives the incident as it is then.
func (c *call) played(id string, at incident.State) (any, *api.Error) {
	c.s.play(id, at)
	return c.again(id)
}

// notHeld refuses to let a jail go on that an incident holds.
func (s *Supervisor) notHeld(e *entry) *api.Error {
	if held, blocked := s.incidents.BlocksJail(e.jail.ID); blocked {
		return api.Errorf(http.StatusConflict, "%v", held).WithHint("clawjail incident release %s --reason …", held.ID)
	}
	return nil
}
