package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"clawjail/audit"
	"clawjail/policy"
	"clawjail/supervisor/api"
)

// branch is a user with the jails that run for them.
type branch struct {
	User  string
	UID   uint32
	Jails []api.Jail
}

type jailsData struct {
	Branches []branch
	Running  int
	Frozen   int
	Total    int
	All      bool
}

func jailsPage(v *view) error {
	all := v.r.URL.Query().Get("all") == "true"
	where := "/v1/jails"
	if all {
		where += "?all=true"
	}
	var js []api.Jail
	if err := v.s.up.get(v.r.Context(), v.access, where, &js); err != nil {
		return err
	}
	d := jailsData{All: all, Total: len(js)}
	byUser := map[uint32]*branch{}
	for _, j := range js {
		b := byUser[j.UID]
		if b == nil {
			b = &branch{User: j.User, UID: j.UID}
			byUser[j.UID] = b
		}
		switch j.State {
		case api.StateRunning:
			d.Running++
		case api.StateFrozen:
			d.Frozen++
		}
		b.Jails = append(b.Jails, j)
	}
	for _, b := range byUser {
		slices.SortFunc(b.Jails, func(x, y api.Jail) int {
			return cmp.Or(cmp.Compare(order(x.State), order(y.State)), y.Created.Compare(x.Created))
		})
		d.Branches = append(d.Branches, *b)
	}
	slices.SortFunc(d.Branches, func(x, y branch) int { return cmp.Compare(x.UID, y.UID) })
	v.show(http.StatusOK, "jails", "jails", "Jails", true, d)
	return nil
}

// order has those first that somebody has to look at.
func order(s api.State) int {
	return slices.Index([]api.State{api.StateFrozen, api.StateRunning, api.StateCreating, api.StateExited}, s)
}

func changeJail(v *view) error {
	verb := v.r.PathValue("verb")
	if verb != "freeze" && verb != "thaw" && verb != "kill" {
		return &api.Error{Status: http.StatusNotFound, Message: "There is no such action."}
	}
	if _, err := v.change(target("jails", v.r.PathValue("id"), verb), struct{}{}); err != nil {
		return err
	}
	v.back("/jails", verb)
	return nil
}

func incidentsPage(v *view) error {
	var list []api.Incident
	if err := v.s.up.get(v.r.Context(), v.access, "/v1/incidents", &list); err != nil {
		return err
	}
	v.show(http.StatusOK, "incidents", "incidents", "Incidents", true, list)
	return nil
}

func incidentPage(v *view) error {
	var in api.Incident
	if err := v.s.up.get(v.r.Context(), v.access, target("incidents", v.r.PathValue("id")), &in); err != nil {
		return err
	}
	v.show(http.StatusOK, "incident", "incidents", "Incident "+in.ID, true, in)
	return nil
}

func openIncident(v *view) error {
	b, err := v.change("/v1/incidents", api.OpenIncidentRequest{Jail: v.r.PostFormValue("jail"), Reason: v.r.PostFormValue("reason"), Severity: v.r.PostFormValue("severity")})
	if err != nil {
		return err
	}
	var in api.Incident
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	v.back("/incidents/"+url.PathEscape(in.ID), "open")
	return nil
}

func changeIncident(v *view) error {
	id, verb := v.r.PathValue("id"), v.r.PathValue("verb")
	var in any
	switch verb {
	case "release", "kill", "close":
		in = api.ReasonRequest{Reason: v.r.PostFormValue("reason")}
	case "severity":
		in = api.SeverityRequest{Severity: v.r.PostFormValue("severity")}
	case "preserve":
		in = api.PreserveRequest{}
	case "assess":
		in = struct{}{}
	default:
		return &api.Error{Status: http.StatusNotFound, Message: "There is no such action."}
	}
	if _, err := v.change(target("incidents", id, verb), in); err != nil {
		return err
	}
	v.back("/incidents/"+url.PathEscape(id), verb)
	return nil
}

// record is one line of the log as the page shows it.
type record struct {
	audit.Record
	What []Part
}

type auditData struct {
	Query         url.Values
	Jail, Text    string
	Gate, Verdict string
	Since         string
	Gates         []string
	Verdicts      []string
	Spans         [][2]string
	Records       []record
	More          bool
	Damaged       int
}

func auditPage(v *view) error {
	q := v.r.URL.Query()
	d := auditData{Jail: q.Get("jail"), Text: q.Get("text"), Gate: q.Get("gate"), Verdict: q.Get("verdict"), Since: cmp.Or(q.Get("since"), "24h"),
		Gates:    []string{"exec", "file", "delete", "connect", "egress", "dns", "action", "jail", "skill", "auth", "supervisor", "gap"},
		Verdicts: []string{"allow", "audit", "ask", "deny", "kill", "freeze"},
		Spans:    [][2]string{{"1h", "last hour"}, {"24h", "last day"}, {"168h", "last week"}, {"9600h", "everything"}}}
	span, err := time.ParseDuration(d.Since)
	if err != nil || span <= 0 {
		return &api.Error{Status: http.StatusBadRequest, Message: "That is no length of time."}
	}
	ask := url.Values{"since": {time.Now().Add(-span).UTC().Format(time.RFC3339)}}
	for key, value := range map[string]string{"jail": d.Jail, "gate": d.Gate, "verdict": d.Verdict, "text": d.Text} {
		if value != "" {
			ask.Set(key, value)
		}
	}
	var page api.AuditPage
	if err := v.s.up.get(v.r.Context(), v.access, "/v1/console/audit?"+ask.Encode(), &page); err != nil {
		return err
	}
	d.More, d.Damaged = page.More, page.Damaged
	for _, b := range page.Records {
		var r audit.Record
		if err := json.Unmarshal(b, &r); err != nil {
			return errors.New("a record of the log cannot be read")
		}
		d.Records = append(d.Records, record{Record: r, What: recordText(r.Subject)})
	}
	slices.Reverse(d.Records)
	v.show(http.StatusOK, "audit", "audit", "Audit", false, d)
	return nil
}

// recordText says in one line what a record is about.
func recordText(s audit.Subject) []Part {
	var out []Part
	add := func(ps []Part) {
		if len(ps) == 0 {
			return
		}
		if len(out) > 0 {
			out = append(out, Part{Text: " "})
		}
		out = append(out, ps...)
	}
	switch {
	case len(s.Argv) > 0:
		add(Words(s.Argv))
	default:
		add(Text(s.Op))
		add(Text(s.Name))
		add(Text(s.Path))
		if s.Path2 != "" {
			add([]Part{{Text: "→"}})
			add(Text(s.Path2))
		}
	}
	if s.Host != "" || s.Addr != "" {
		host := cmp.Or(s.Host, s.Addr)
		if s.Port != 0 {
			host += ":" + strconv.Itoa(int(s.Port))
		}
		add(Text(host))
	}
	if s.Message != "" {
		add(Text(strings.TrimSpace(s.Message)))
	}
	return out
}

func limitsPage(v *view) error {
	var l api.Limits
	if err := v.s.up.get(v.r.Context(), v.access, "/v1/console/limits", &l); err != nil {
		return err
	}
	v.show(http.StatusOK, "limits", "limits", "Limits", true, limitsOf(l.Limits))
	return nil
}

// limitRow is one limit as the page shows it.
type limitRow struct{ api.Limit }

// Full reports whether nothing is left.
func (l limitRow) Full() bool { return l.Problem == "" && l.Left == 0 }

// Amount is a number of a limit, in what it counts.
func (l limitRow) Amount(n int64) string {
	if l.Currency != "" {
		return policy.Money(n, l.Currency)
	}
	return strconv.FormatInt(n, 10)
}

type limitsData struct {
	Limits     []limitRow
	Over, Near int
}

// limitsOf has first what cannot be counted, which is refused, then what is used
// up, and then what is nearly.
func limitsOf(list []api.Limit) limitsData {
	var d limitsData
	share := func(l limitRow) float64 {
		if l.Problem != "" {
			return math.Inf(1)
		}
		return float64(l.Used) / float64(max(l.Max, 1))
	}
	for _, l := range list {
		r := limitRow{l}
		d.Limits = append(d.Limits, r)
		switch {
		case r.Full():
			d.Over++
		case r.Problem == "" && share(r) >= 0.9:
			d.Near++
		}
	}
	slices.SortStableFunc(d.Limits, func(x, y limitRow) int {
		return cmp.Or(cmp.Compare(share(y), share(x)), cmp.Compare(x.Name, y.Name), cmp.Compare(x.What, y.What))
	})
	return d
}
