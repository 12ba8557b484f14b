package supervisor

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/config"
	"clawjail/supervisor/control"
	"clawjail/supervisor/notify"
)

// stillClock stands still until it is told otherwise. Setting its wall clock does
// not move its boot clock.
type stillClock struct {
	mu   sync.Mutex
	boot time.Duration
}

func (c *stillClock) Wall() time.Time { return time.Now() }

func (c *stillClock) Boot() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.boot
}

func (c *stillClock) Timer(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

func (c *stillClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boot += d
}

// onCall is a configuration with people: payments are escalated and take two.
func onCall() config.Config {
	c := config.Default()
	for _, name := range []string{"team", "pager", "lead"} {
		c.Channels = append(c.Channels, config.Channel{Name: name, Kind: config.Webhook, URL: "http://127.0.0.1:1/" + name, SecretFile: "/dev/null", Categories: []string{"health"}})
	}
	c.Channels = append(c.Channels, config.Channel{Name: "all", Kind: config.Webhook, URL: "http://127.0.0.1:1/", SecretFile: "/dev/null", Categories: []string{"approval"}})
	c.People = []config.Person{{Name: "ann", Channels: []string{"pager"}}, {Name: "ben", Account: "daemon"}}
	c.Groups = []config.Group{{Name: "oncall", People: []string{"ann"}, Channels: []string{"team"}}, {Name: "leads", People: []string{"ben"}, Channels: []string{"lead"}}}
	c.Categories = []config.Category{{Name: "writing", Of: []string{"file"}, Severity: "high",
		Escalate: []config.Step{{To: "oncall"}, {After: config.Duration(5 * time.Minute), To: "leads"}, {After: config.Duration(10 * time.Minute), To: "oncall"}}}}
	return c
}

// office is a desk with people who are told.
func office(t *testing.T, c config.Config) (*Supervisor, *stillClock) {
	t.Helper()
	c.StateDir = t.TempDir()
	clock := &stillClock{boot: time.Hour}
	s := &Supervisor{opt: Options{Config: c}, log: slog.New(slog.DiscardHandler), metrics: newMetrics(), persons: &persons{}}
	openOffice(t, s, clock)
	t.Cleanup(func() { closeOffice(t, s) })
	return s, clock
}

func openOffice(t *testing.T, s *Supervisor, clock *stillClock) {
	t.Helper()
	if err := s.opt.Config.Validate(); err != nil {
		t.Fatal(err)
	}
	secret := s.opt.Config.StateDir + "/secret"
	if err := os.WriteFile(secret, []byte("not-a-secret-but-a-test"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range s.opt.Config.Channels {
		s.opt.Config.Channels[i].SecretFile = secret
	}
	var err error
	if s.audit, err = openAuditor(s.opt.Config, "notify", s.log); err != nil {
		t.Fatal(err)
	}
	if s.herald, err = s.openHerald(); err != nil {
		t.Fatal(err)
	}
	if s.approvals, err = s.openApprovals(approvalOptions{Clock: clock}); err != nil {
		t.Fatal(err)
	}
}

func closeOffice(t *testing.T, s *Supervisor) {
	t.Helper()
	for _, err := range []error{s.approvals.close(), s.herald.Close(), s.audit.close()} {
		if err != nil {
			t.Error(err)
		}
	}
}

// told gives what waits to be sent: event and channel, sorted.
func told(s *Supervisor) []string {
	var out []string
	_, waiting := s.herald.Status()
	for _, d := range waiting {
		out = append(out, d.Message.Event+" "+d.Channel)
	}
	slices.Sort(out)
	return out
}

func wantTold(t *testing.T, s *Supervisor, want ...string) {
	t.Helper()
	if got := told(s); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// recorded gives the messages of records of one operation.
func recorded(t *testing.T, s *Supervisor, op string) (out []audit.Record) {
	t.Helper()
	for r, err := range audit.Query(s.opt.Config.AuditDir(), audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Subject.Op == op {
			out = append(out, r)
		}
	}
	return out
}

func TestEscalation(t *testing.T) {
	s, clock := office(t, onCall())
	v, got := hold(t, s, write("/w/a"))
	tell := newTeller(s)
	tell.hear(approval.Event{Kind: approval.Added, View: v})
	if next := tell.escalate(); next > 5*time.Minute {
		t.Errorf("looks again in %v", next)
	}
	wantTold(t, s, "asked all", "asked pager", "asked team")
	tell.escalate()
	clock.pass(5*time.Minute - time.Second)
	if next := tell.escalate(); next != time.Second {
		t.Errorf("looks again in %v", next)
	}
	wantTold(t, s, "asked all", "asked pager", "asked team")
	clock.pass(time.Second)
	tell.escalate()
	tell.escalate()
	wantTold(t, s, "asked all", "asked pager", "asked team", "escalated lead")
	_, waiting := s.herald.Status()
	m := waiting[len(waiting)-1].Message
	for _, want := range []string{"still waits, for 5m 0s: open /w/a", "category writing, high", "financial: nothing known", "legal: nothing known", "data: may overwrite what is there", "reversible: unknown",
		"waits for 5m 0s; denied in 25m 0s, at 20", "clawjail approve " + v.ID} {
		if !strings.Contains(m.Title+"\n"+m.Text, want) {
			t.Errorf("no %q in\n%s\n%s", want, m.Title, m.Text)
		}
	}
	if m.Severity != "high" || m.WaitedMS != 300_000 || m.Digest != v.Digest || m.Impact == nil || m.Link != "" {
		t.Errorf("%+v", m)
	}
	// Somebody decides: nobody else is told, and who was told hears of it.
	if _, apiErr := decideAs(s, control.Peer{PID: os.Getpid()}, v, api.DecideRequest{Approve: true, Digest: v.Digest}); apiErr != nil {
		t.Fatal(apiErr)
	}
	clock.pass(20 * time.Minute)
	tell.escalate()
	tell.hear(approval.Event{Kind: approval.Removed, View: v, Decision: <-got})
	wantTold(t, s, "decided all", "decided lead", "decided pager", "decided team")
	steps := recorded(t, s, opEscalate)
	if len(steps) != 2 || !strings.Contains(steps[0].Subject.Message, "step 1 of writing after 0s: request "+v.ID+", told oncall by team, pager") ||
		!strings.Contains(steps[1].Subject.Message, "step 2 of writing after 5m 0s") || steps[1].Subject.Name != "leads" || steps[1].Decision.Digest != v.Digest {
		t.Errorf("%+v", steps)
	}
	if s.approvals.escalations.Load() != 2 {
		t.Error("they are not counted")
	}
}

// The last step is told again until somebody decides: once for what was missed, and
// over no channel that is quiet or has not sent what it got.
func TestEscalationRepeats(t *testing.T) {
	c := onCall()
	every := config.Duration(2 * time.Minute)
	c.Categories[0].Escalate, c.Categories[0].Repeat = c.Categories[0].Escalate[:2], &every
	s, clock := office(t, c)
	v, _ := hold(t, s, write("/w/a"))
	tell := newTeller(s)
	sent := func() (keys []string) { // hands everything over, as a gateway that works
		due := s.herald.Due(t.Context())
		for _, d := range due.Deliveries {
			keys = append(keys, d.Message.Event+" "+d.Channel)
			s.herald.Report(notify.Report{ID: d.ID})
		}
		return keys
	}
	tell.hear(approval.Event{Kind: approval.Added, View: v})
	clock.pass(5 * time.Minute)
	tell.escalate()
	if got := sent(); !slices.Contains(got, "escalated lead") {
		t.Errorf("%q", got)
	}
	clock.pass(2*time.Minute - time.Second)
	if next := tell.escalate(); next != time.Second || len(told(s)) != 0 {
		t.Errorf("looks again in %v, told %q", next, told(s))
	}
	clock.pass(time.Second)
	tell.escalate()
	tell.escalate()
	wantTold(t, s, "escalated lead")
	clock.pass(2 * time.Minute)
	tell.escalate() // it is not sent yet: it would pile up
	wantTold(t, s, "escalated lead")
	sent()
	closeOffice(t, s)
	clock.pass(7 * time.Minute) // three are missed
	openOffice(t, s, clock)
	next := newTeller(s)
	next.all()
	next.escalate()
	next.escalate()
	wantTold(t, s, "escalated lead")
	trail := s.approvals.List()[0].Trail
	if len(trail.Steps) != 3 || trail.Steps[2].Again != 5 || trail.Again(2) != 5 || trail.Steps[2].After != 16*time.Minute {
		t.Errorf("%+v", trail.Steps)
	}
	list := recorded(t, s, opEscalate)
	if last := list[len(list)-1].Subject.Message; len(list) != 5 || !strings.Contains(last, "step 2 of writing again (5), after 16m 0s: request "+v.ID+", told leads by lead") ||
		!strings.Contains(list[3].Subject.Message, "no channel of leads is free now") {
		t.Errorf("%d: %s", len(list), last)
	}
	never := config.Duration(0)
	for repeat, want := range map[*config.Duration]time.Duration{nil: 10 * time.Minute, &never: 0, &every: 2 * time.Minute} {
		if got := (config.Category{Repeat: repeat}).Again(); got != want {
			t.Errorf("%v: %v", repeat, got)
		}
	}
}

// A reminder does not disturb whom quiet hours keep from it, and goes through where
// they let something as urgent pass.
func TestEscalationRepeatsInQuietHours(t *testing.T) {
	c := onCall()
	every := config.Duration(2 * time.Minute)
	c.Categories[0].Escalate, c.Categories[0].Repeat = c.Categories[0].Escalate[:2], &every
	s, clock := office(t, c)
	hold(t, s, write("/w/a"))
	first := newTeller(s)
	clock.pass(5 * time.Minute)
	first.escalate()
	due := s.herald.Due(t.Context())
	if len(due.Deliveries) == 0 {
		t.Fatalf("%+v", due)
	}
	for _, d := range due.Deliveries { // what was told before it was quiet has arrived
		s.herald.Report(notify.Report{ID: d.ID})
	}
	now := time.Now().UTC()
	s.opt.Config.Quiet = []config.Quiet{{Channels: []string{"lead"}, From: now.Add(-2 * time.Hour).Format("15:04"), Until: now.Add(2 * time.Hour).Format("15:04"), Pass: "critical"}}
	for i, severity := range []string{"high", "critical"} {
		closeOffice(t, s)
		s.opt.Config.Categories[0].Severity = severity
		openOffice(t, s, clock)
		next := newTeller(s)
		next.all()
		clock.pass(2 * time.Minute)
		next.escalate()
		list := recorded(t, s, opEscalate)
		said := list[len(list)-1].Subject.Message
		if want := []string{"no channel of leads is free now", "told leads by lead"}[i]; len(list) != 3+i || !strings.Contains(said, want) {
			t.Errorf("%s: %d, %s", severity, len(list), said)
		}
		if got := slices.Contains(told(s), "escalated lead"); got != (severity == "critical") {
			t.Errorf("%s: told %q", severity, told(s))
		}
	}
}

// A message links to where it can be decided, after a sign-in.
func TestMessagesLinkToTheConsole(t *testing.T) {
	c := onCall()
	c.Listen, c.Name = "127.0.0.1:9443", "console.example.org"
	s, _ := office(t, c)
	v, _ := hold(t, s, write("/w/a"))
	m := s.askedMessage(v)
	want := "https://console.example.org:9443/approvals/" + v.ID
	if m.Link != want || !strings.Contains(m.Text, "sign in and decide: "+want) {
		t.Errorf("%s\n%s", m.Link, m.Text)
	}
}

// Another supervisor goes on where the last one was: by how long the request has
// waited, and not by the clock on the wall.
func TestEscalationOutlivesTheSupervisor(t *testing.T) {
	s, clock := office(t, onCall())
	v, got := hold(t, s, write("/w/a"))
	first := newTeller(s)
	first.hear(approval.Event{Kind: approval.Added, View: v})
	first.escalate()
	clock.pass(4 * time.Minute)
	closeOffice(t, s)
	<-got
	clock.pass(2 * time.Minute)
	openOffice(t, s, clock)
	next := newTeller(s)
	next.all()
	next.escalate()
	wantTold(t, s, "asked all", "asked pager", "asked team", "escalated lead")
	trail := s.approvals.List()[0].Trail
	if len(trail.Steps) != 2 || trail.Steps[0].Step != 1 || trail.Steps[1].To != "leads" || trail.Rule.Category != "writing" {
		t.Errorf("%+v", trail)
	}
	if len(recorded(t, s, opEscalate)) != 2 {
		t.Errorf("%+v", recorded(t, s, opEscalate))
	}
}

// Who is away is not told, who stands in is; what quiet hours keep is noted.
func TestEscalationKnowsTheCalendar(t *testing.T) {
	c := onCall()
	now := time.Now().UTC()
	c.People[1].Channels = []string{"lead"}
	c.Delegates = []config.Delegate{{Person: "ann", To: "ben", From: now.AddDate(0, 0, -2).Format(time.DateOnly), Until: now.AddDate(0, 0, 2).Format(time.DateOnly)}}
	c.Quiet = []config.Quiet{{Channels: []string{"team"}, From: now.Add(-2 * time.Hour).Format("15:04"), Until: now.Add(2 * time.Hour).Format("15:04"), Pass: "critical"}}
	s, _ := office(t, c)
	hold(t, s, write("/w/a"))
	tell := newTeller(s)
	tell.escalate()
	wantTold(t, s, "asked lead", "asked team")
	trail := s.approvals.List()[0].Trail
	if !slices.Equal(trail.Steps[0].Kept, []string{"team"}) || !slices.ContainsFunc(trail.Sent, func(o approval.Sent) bool { return o.Channel == "team" && o.Outcome == string(notify.Kept) }) {
		t.Errorf("%+v", trail)
	}
	if r := recorded(t, s, opEscalate); len(r) != 1 || !strings.Contains(r[0].Subject.Message, "told oncall by team, lead; team not before ") {
		t.Errorf("%+v", r)
	}
	due := s.herald.Due(t.Context())
	if len(due.Deliveries) != 1 || due.Deliveries[0].Channel != "lead" {
		t.Errorf("%+v", due.Deliveries)
	}
	if r := recorded(t, s, "notify"); len(r) != 1 || !strings.Contains(r[0].Subject.Message, "kept from team (webhook): quiet hours until ") {
		t.Errorf("%+v", r)
	}
}

// TestTellApprovals runs the whole loop: what is held is told, the second person
// is asked for, and what was decided is told.
func TestTellApprovals(t *testing.T) {
	c := onCall()
	c.Categories[0].FourEyes = true
	s, _ := office(t, c)
	var work sync.WaitGroup
	work.Go(func() { s.tellApprovals(t.Context()) })
	v, got := hold(t, s, write("/w/a"))
	await := func(want ...string) {
		t.Helper()
		tick, end := time.NewTicker(time.Millisecond), time.After(time.Minute)
		defer tick.Stop()
		for !slices.Equal(told(s), want) {
			select {
			case <-tick.C:
			case <-end:
				t.Fatalf("told %q, want %q", told(s), want)
			}
		}
	}
	await("asked all", "asked pager", "asked team")
	yes := api.DecideRequest{Approve: true, Digest: v.Digest}
	answer, apiErr := decideAs(s, control.Peer{PID: os.Getpid()}, v, yes)
	if apiErr != nil || answer.(api.DecideAnswer).Decision.Allowed || answer.(api.DecideAnswer).Decision.Needs != 1 {
		t.Fatalf("%+v, %v", answer, apiErr)
	}
	await("asked all", "asked pager", "asked team", "seconded all", "seconded pager", "seconded team")
	if _, apiErr := decideAs(s, control.Peer{PID: os.Getpid()}, v, yes); apiErr == nil || apiErr.Status != http.StatusForbidden || !strings.Contains(apiErr.Message, "takes 2 different people") {
		t.Errorf("twice: %v", apiErr)
	}
	s.approvals.opt.Group = "daemon"
	if answer, apiErr = decideAs(s, control.Peer{PID: os.Getpid(), UID: 1, GID: 1}, v, yes); apiErr != nil || !answer.(api.DecideAnswer).Decision.Allowed {
		t.Fatalf("%+v, %v", answer, apiErr)
	}
	<-got
	await("decided all", "decided pager", "decided team")
	s.approvals.EndWatches()
	work.Wait()
	records := recorded(t, s, "open")
	if len(records) != 2 || records[0].Verdict != "ask" || !strings.HasPrefix(records[0].Decision.Reason, "approved, and takes another person, once, category writing") ||
		records[1].Verdict != "allow" || !strings.Contains(records[1].Decision.Reason, "approved, once, category writing, with root") {
		t.Errorf("%+v %+v", records[0].Decision, records[1].Decision)
	}
}

func lookAs(s *Supervisor, c call, id string) *api.Error {
	c.s, c.w, c.r = s, httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/approvals/"+id, nil)
	c.r.SetPathValue("id", id)
	_, apiErr := c.approval()
	return apiErr
}

// Who looks is noted once: by whatever way.
func TestSeenIsRecordedOnce(t *testing.T) {
	s, _ := office(t, onCall())
	v, _ := hold(t, s, write("/w/a"))
	person := func(name string) call { return call{person: &assert.Claims{Subject: name, Role: assert.Viewer}} }
	for _, c := range []call{person("ann"), person("ann"), {peer: control.Peer{PID: os.Getpid()}}, {peer: control.Peer{PID: os.Getpid()}}, person("ben"), {peer: control.Peer{PID: os.Getpid(), UID: 1}}} {
		if apiErr := lookAs(s, c, v.ID); apiErr != nil {
			t.Fatal(apiErr)
		}
	}
	if apiErr := lookAs(s, person("ann"), "none"); apiErr == nil || apiErr.Status != http.StatusNotFound {
		t.Errorf("%v", apiErr)
	}
	var by []string
	for _, r := range recorded(t, s, opSeen) {
		by = append(by, r.Decision.By)
		if r.Decision.Digest != v.Digest || r.Decision.ID != v.ID || r.Jail != "j1" {
			t.Errorf("%+v", r)
		}
	}
	if len(by) != 3 || by[0] != "ann (console, viewer)" || !strings.HasPrefix(by[1], "root (uid 0") || by[2] != "ben (console, viewer) (uid 1)" {
		t.Errorf("%q", by) // user 1 is ben, who has looked at the console
	}
}

// Only the people of a group approve what is theirs; whoever stands in does so in
// somebody's place, and anybody denies.
func TestWhoseApprovalCounts(t *testing.T) {
	now := time.Now().UTC()
	c := onCall()
	c.Approvers = "daemon"
	c.Delegates = []config.Delegate{{Person: "ann", To: "ben", From: now.AddDate(0, 0, -2).Format(time.DateOnly), Until: now.AddDate(0, 0, 2).Format(time.DateOnly)}}
	c.Categories[0].By = []string{"oncall"}
	s, _ := office(t, c)
	s.approvals.opt.Group = "daemon"
	v, got := hold(t, s, write("/w/a"))
	yes := api.DecideRequest{Approve: true, Digest: v.Digest}
	root, ben := control.Peer{PID: os.Getpid()}, control.Peer{PID: os.Getpid(), UID: 1, GID: 1}
	if _, apiErr := decideAs(s, root, v, yes); apiErr == nil || apiErr.Status != http.StatusForbidden || !strings.Contains(apiErr.Message, "in none of the groups that approve writing: oncall") {
		t.Errorf("%v", apiErr)
	}
	if _, apiErr := decideAs(s, ben, v, yes); apiErr != nil {
		t.Fatal(apiErr)
	}
	if d := <-got; !d.Allowed() || d.By.For != "ann" {
		t.Errorf("%+v", d)
	}
	if r := recorded(t, s, "open"); len(r) != 1 || r[0].Decision.By != "daemon for ann (uid 1)" {
		t.Errorf("%+v", r[0].Decision)
	}
	v, got = hold(t, s, write("/w/b"))
	if _, apiErr := decideAs(s, root, v, api.DecideRequest{Digest: v.Digest}); apiErr != nil {
		t.Fatal(apiErr)
	}
	if d := <-got; d.Outcome != approval.Rejected {
		t.Errorf("%+v", d)
	}
}
