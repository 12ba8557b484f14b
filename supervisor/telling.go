package supervisor

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/incident"
	"clawjail/supervisor/notify"
	"clawjail/supervisor/notify/herald"
	"clawjail/supervisor/notify/rota"
)

// openHerald opens the queue of what people are to be told.
func (s *Supervisor) openHerald() (*herald.Herald, error) {
	r, err := rota.New(s.opt.Config)
	if err != nil {
		return nil, err
	}
	return herald.Open(herald.Options{Channels: s.opt.Config.Channels, Path: filepath.Join(s.opt.Config.StateDir, "notify.db"),
		Host:   s.opt.Namespaces,
		Record: func(r audit.Record) { _ = s.audit.append(r) }, Log: s.log,
		Quiet: r.Quiet, Open: s.waits, Settled: s.noteSent})
}

// waits reports whether a held request still waits for a human.
func (s *Supervisor) waits(id string) bool {
	_, err := s.approvals.Find(id)
	return err == nil
}

// noteSent notes beside a held request what became of a message about it, and counts
// what was to keep the log.
func (s *Supervisor) noteSent(r notify.Result) {
	if r.Delivery.Message.Category == notify.Checkpoint {
		s.audit.unanchored(r)
		return
	}
	if m := r.Delivery.Message; m.Approval != "" && m.Category == notify.Approval {
		s.approvals.Deliver(m.Approval, approval.Sent{Event: m.Event, Channel: r.Delivery.Channel, Outcome: string(r.Outcome), At: time.Now().UTC().Truncate(time.Millisecond)})
	}
}

// gatewayRoutes is what clawjail-gateway may ask besides counters.
func (s *Supervisor) gatewayRoutes(add func(string, func(*call) (any, *api.Error))) {
	add("GET /v1/gateway/due", (*call).notificationsDue)
	add("POST /v1/gateway/report", (*call).notificationsReport)
	add("GET /v1/gateway/sinks", (*call).receivers)
	add("GET /v1/gateway/logs", (*call).logBatch)
}

// notifyRoutes is what people may ask about telling people.
func (s *Supervisor) notifyRoutes(add func(string, func(*call) (any, *api.Error))) {
	add("GET /v1/notifications", (*call).notifications)
	add("POST /v1/notifications/test", (*call).notificationTest)
	add("POST /v1/backup", (*call).copyDatabases)
}

// onlyGateway refuses everybody but the gateway's user and root: routes hold
// secrets.
func (c *call) onlyGateway() *api.Error {
	if c.peer.UID != 0 && c.peer.UID != c.s.opt.Config.GatewayUID {
		return api.Errorf(http.StatusForbidden, "user %d is not the gateway", c.peer.UID)
	}
	return nil
}

func (c *call) notificationsDue() (any, *api.Error) {
	if apiErr := c.onlyGateway(); apiErr != nil {
		return nil, apiErr
	}
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(c.s.base, cancel)()
	return c.s.herald.Due(ctx), nil
}

func (c *call) notificationsReport() (any, *api.Error) {
	if apiErr := c.onlyGateway(); apiErr != nil {
		return nil, apiErr
	}
	var rs []notify.Report
	if apiErr := c.decode(&rs); apiErr != nil {
		return nil, apiErr
	}
	for _, r := range rs {
		r.Error = escape.Clip(r.Error, notify.MaxError/4)
		c.s.herald.Report(r)
	}
	return struct{}{}, nil
}

func (c *call) notifications() (any, *api.Error) {
	status, waiting := c.s.herald.Status()
	out := api.Notifications{Channels: []api.NotifyChannel{}, Waiting: waiting}
	for _, st := range status {
		categories := st.Channel.Categories
		if len(categories) == 0 {
			categories = []string{notify.Incident}
		}
		out.Channels = append(out.Channels, api.NotifyChannel{Name: st.Channel.Name, Kind: st.Channel.Kind, Categories: categories,
			Severity: st.Channel.Severity, Waiting: st.Waiting, Error: st.Error})
	}
	return out, nil
}

// testTime bounds the wait for what becomes of a test.
const testTime = time.Minute

func (c *call) notificationTest() (any, *api.Error) {
	var r api.NotifyTestRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), testTime)
	defer cancel()
	res, err := c.s.herald.Test(ctx, r.Channel, c.responder())
	if err != nil {
		return nil, api.Errorf(http.StatusConflict, "%v", err).WithHint("clawjail notify list")
	}
	return api.NotifyTest{Outcome: res.Outcome, Error: res.Delivery.Error}, nil
}

// notifyCounts are for the counters.
func (s *Supervisor) notifyCounts() (out []api.NotifyCount, waiting map[string]uint64) {
	for k, n := range s.herald.Counts() {
		out = append(out, api.NotifyCount{Kind: k.Kind, Outcome: string(k.Outcome), Count: n})
	}
	waiting = make(map[string]uint64)
	status, _ := s.herald.Status()
	for _, st := range status {
		waiting[st.Channel.Kind] += uint64(st.Waiting)
	}
	return out, waiting
}

// tellIncident tells of a step of an incident.
func (s *Supervisor) tellIncident(in incident.Incident, event, detail string) {
	j := in.Subject
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", in.Trigger.Kind, escape.String(in.Trigger.What))
	fmt.Fprintf(&b, "severity %s, state %s, jail %s (%s), policy %s, user %s\n", in.Severity, in.State,
		escape.String(j.Name), j.Jail, escape.String(j.Agent), escape.String(j.User))
	fmt.Fprintf(&b, "command: %s\n", escape.Clip(escape.Argv(j.Argv), 300))
	if detail != "" {
		b.WriteString(escape.String(detail) + "\n")
	}
	if in.Assessment != nil {
		for _, f := range in.Assessment.Findings {
			fmt.Fprintf(&b, "%s: %s: %s\n", f.Severity, escape.String(f.Title), escape.Clip(escape.String(f.Why), 300))
		}
	}
	fmt.Fprintf(&b, "clawjail incident show %s", in.ID)
	s.herald.Tell(notify.Message{Category: notify.Incident, Event: event, Severity: string(in.Severity), Key: in.ID + " " + event + " " + string(in.Severity),
		Title: fmt.Sprintf("incident %s %s: %s", in.ID, event, escape.Clip(escape.String(j.Name), 60)), Text: b.String(),
		Jail: j.Jail, Incident: in.ID, Drill: in.Drill})
}

// tellHealth tells that the supervisor itself needs somebody.
func (s *Supervisor) tellHealth(event, title, text string) {
	s.herald.Tell(notify.Message{Category: notify.Health, Event: event, Severity: "high", Key: "health " + event, Title: title, Text: escape.String(text)})
}
