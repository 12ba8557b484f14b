package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
)

// held is a held request as the pages show it.
type held struct {
	approval.Request
	What         []Part
	Left, Waited time.Duration
	Hidden       int
	Urgent       bool
	Trail        approval.Trail
}

// decodeHeld reads one and checks its digest, so that what is shown is what a
// decision binds to.
func decodeHeld(a api.Approval) (held, error) {
	r, err := approval.Decode(a.Request)
	if err != nil {
		return held{}, fmt.Errorf("a held request cannot be read: %w", err)
	}
	h := held{Request: r, What: whatOf(r), Left: time.Duration(a.LeftMS) * time.Millisecond, Waited: time.Duration(a.WaitedMS) * time.Millisecond}
	h.Urgent = h.Left < 2*time.Minute
	if len(a.Trail) > 0 {
		if h.Trail, err = approval.DecodeTrail(a.Trail); err != nil {
			return held{}, fmt.Errorf("a held request cannot be read: %w", err)
		}
	}
	lists := [][]Part{h.What, Text(r.JailName), Text(r.Agent), Text(r.Cwd), Text(r.Claim), Text(r.Host), Text(r.Path)}
	for _, p := range r.Parents {
		lists = append(lists, Text(p.Path), Words(p.Argv))
	}
	h.Hidden = hiddenIn(lists...)
	return h, nil
}

type approvalsData struct {
	Held    []held
	More    int
	Notices []api.Notice
}

func approvalsPage(v *view) error {
	var list api.Approvals
	if err := v.s.up.get(v.r.Context(), v.access, "/v1/approvals", &list); err != nil {
		return err
	}
	var told api.Notices
	if err := v.s.up.get(v.r.Context(), v.access, "/v1/approvals/notices", &told); err != nil {
		return err
	}
	d := approvalsData{More: list.More, Notices: told.Notices[max(0, len(told.Notices)-20):]}
	for _, a := range list.Approvals {
		h, err := decodeHeld(a)
		if err != nil {
			return err
		}
		d.Held = append(d.Held, h)
	}
	v.show(http.StatusOK, "approvals", "approvals", "Approvals", true, d)
	return nil
}

// chain is one process above the one that asks.
type chain struct {
	What []Part
	Path []Part // where it is not the first word
	PID  int32
	Cut  bool
}

type approvalData struct {
	held
	Chain   []chain
	Command bool // what is executed, with its program apart
	Cut     int64
	Head    []Part
	Tail    []Part
	Covers  string
	Gone    bool
	StepUp  string // what takes a fresh second factor: "", "any" or "wide", for longer than once
}

func approvalPage(v *view) error {
	var a api.Approval
	if err := v.s.up.get(v.r.Context(), v.access, target("approvals", v.r.PathValue("id")), &a); err != nil {
		return err
	}
	h, err := decodeHeld(a)
	if err != nil {
		return err
	}
	d := approvalData{held: h, Command: h.Gate == approval.GateExec && len(h.Argv) > 0, Covers: h.Covers()}
	for _, p := range h.Parents {
		c := chain{What: parts(show.Word(p.Path)), PID: p.PID, Cut: p.ArgvCut}
		if len(p.Argv) > 0 {
			c.What = Words(p.Argv)
			if p.Argv[0] != p.Path {
				c.Path = Text(p.Path)
			}
		}
		d.Chain = append(d.Chain, c)
	}
	switch critical := approval.Critical(h.Request); {
	case v.s.opt.NeedsStepUp(critical):
		d.StepUp = "any"
	case v.s.opt.NeedsStepUp(true):
		d.StepUp = "wide"
	}
	v.show(http.StatusOK, "approval", "approvals", "Request "+h.ID, true, d)
	return nil
}

// decide takes an approver's answer. It names the digest of what the page
// showed.
func decide(v *view) error {
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	f := v.r.PostForm
	waiting, err := strconv.Atoi(f.Get("waiting"))
	if err != nil {
		waiting = 0
	}
	d := api.DecideRequest{Digest: f.Get("digest"), Waiting: waiting, Scope: f.Get("scope"), Reason: f.Get("reason")}
	switch f.Get("answer") {
	case "approve":
		d.Approve = true
	case "deny":
	default:
		return &api.Error{Status: http.StatusBadRequest, Message: "The answer is neither approve nor deny."}
	}
	if d.Scope == string(approval.ScopeFor) {
		if d.For, err = time.ParseDuration(f.Get("for")); err != nil {
			return &api.Error{Status: http.StatusBadRequest, Message: "For how long?"}
		}
	}
	if d.Scope == string(approval.ScopeAlways) {
		return &api.Error{Status: http.StatusBadRequest, Message: "A rule for always is written into the policy on the host.", Hint: "clawjail approve --always " + v.r.PathValue("id")}
	}
	b, err := v.change(target("approvals", v.r.PathValue("id"), "decide"), d)
	if err != nil {
		return err
	}
	var a api.DecideAnswer
	if err := json.Unmarshal(b, &a); err != nil {
		return err
	}
	if a.Decision.Needs > 0 {
		v.back("/approvals", "seconding")
		return nil
	}
	// What was decided is what came of it: recording can fail.
	if !a.Decision.Allowed && d.Approve {
		return &api.Error{Status: http.StatusConflict, Message: "It is not approved: " + a.Decision.Outcome}
	}
	if d.Approve {
		v.back("/approvals", "approved")
		return nil
	}
	v.back("/approvals", "denied")
	return nil
}
