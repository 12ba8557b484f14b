package serve

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
)

// List gives what waits, as much of it as one answer holds.
func List(q *approval.Queue) (api.Approvals, *api.Error) {
	views := q.List()
	list := api.Approvals{Approvals: []api.Approval{}}
	size := 0
	for i, v := range views {
		a, apiErr := one(v)
		if apiErr != nil {
			return list, apiErr
		}
		if size += len(a.Request) + len(a.Trail); size > api.MaxApprovalsBytes {
			list.More = len(views) - i
			break
		}
		list.Approvals = append(list.Approvals, a)
	}
	return list, nil
}

// One gives the request whose id is or begins with key.
func One(q *approval.Queue, key string) (api.Approval, *api.Error) {
	v, err := q.Find(key)
	if err != nil {
		return api.Approval{}, Refusal(err)
	}
	return one(v)
}

// See gives it as well, to somebody who is noted as having seen it. first is false
// for who has before.
func See(q *approval.Queue, key string, by approval.By) (a api.Approval, v approval.View, first bool, apiErr *api.Error) {
	v, first, err := q.See(key, by)
	if err != nil {
		return a, v, false, Refusal(err)
	}
	a, apiErr = one(v)
	return a, v, first, apiErr
}

// Ended gives how a request ended, and what people did about it until then.
func Ended(q *approval.Queue, id string) (api.EndedApproval, *api.Error) {
	d, trail, ok := q.Ended(id)
	if !ok {
		return api.EndedApproval{}, api.Errorf(http.StatusNotFound, "no request %q has ended lately", escape.Clip(id, 64)).WithHint("clawjail audit query has all of them")
	}
	t, err := approval.EncodeTrail(trail)
	if err != nil {
		return api.EndedApproval{}, api.Errorf(http.StatusInternalServerError, "encode who was told of request %s: %v", d.ID, err)
	}
	return api.EndedApproval{Decision: decision(d), Trail: t}, nil
}

// Notices gives what was done and is told, of one jail or of all.
func Notices(q *approval.Queue, jail string) api.Notices {
	out := api.Notices{Notices: []api.Notice{}}
	for _, n := range q.Notices(jail) {
		out.Notices = append(out.Notices, notice(n))
	}
	return out
}

func notice(n approval.Notice) api.Notice {
	return api.Notice{Jail: escape.String(n.Jail), JailName: escape.String(n.JailName), Gate: n.Gate, Rule: escape.String(n.Rule),
		What: n.What, Default: n.Default, Count: n.Count, First: n.First, Last: n.Last}
}

// Decide applies an approver's answer.
func Decide(q *approval.Queue, key string, r api.DecideRequest, by approval.By) (api.DecideAnswer, *api.Error) {
	req, d, err := q.Decide(approval.Answer{
		ID: key, Digest: r.Digest, Approve: r.Approve, Waiting: r.Waiting, Reason: r.Reason, File: r.File,
		Scope: approval.Scope{Kind: approval.ScopeKind(r.Scope), For: r.For}, By: by,
	})
	if err != nil {
		return api.DecideAnswer{}, Refusal(err)
	}
	b, err := approval.Encode(req)
	if err != nil {
		return api.DecideAnswer{}, api.Errorf(http.StatusInternalServerError, "encode request %s: %v", req.ID, err)
	}
	return api.DecideAnswer{Request: b, Decision: decision(d)}, nil
}

// Watch streams every change as a line of JSON, the whole list first, until ctx
// ends or the reader goes away.
func Watch(ctx context.Context, q *approval.Queue, w http.ResponseWriter) *api.Error {
	events, err := q.Watch(ctx)
	if err != nil {
		return api.Errorf(http.StatusServiceUnavailable, "watch the held requests: %v", err)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	// The watch began before this list is made, so nothing falls in between.
	if send(out, q, approval.Event{Kind: approval.Resync}) != nil || flush.Flush() != nil {
		return nil
	}
	for ev := range events {
		if send(out, q, ev) != nil || flush.Flush() != nil {
			return nil // the reader went away
		}
	}
	return nil
}

func send(out *json.Encoder, q *approval.Queue, ev approval.Event) error {
	e := api.ApprovalEvent{Kind: string(ev.Kind)}
	if ev.Kind == approval.Resync {
		list, apiErr := List(q)
		if apiErr != nil {
			return apiErr
		}
		e.List = &list
		return out.Encode(e)
	}
	if ev.Kind == approval.Told {
		n := notice(ev.Notice)
		e.Notice = &n
		return out.Encode(e)
	}
	a, apiErr := one(ev.View)
	if apiErr != nil {
		return apiErr
	}
	e.Approval = &a
	if ev.Kind == approval.Removed {
		d := decision(ev.Decision)
		e.Decision = &d
	}
	return out.Encode(e)
}

func one(v approval.View) (api.Approval, *api.Error) {
	b, err := approval.Encode(v.Request)
	if err != nil {
		return api.Approval{}, api.Errorf(http.StatusInternalServerError, "encode request %s: %v", v.ID, err)
	}
	t, err := approval.EncodeTrail(v.Trail)
	if err != nil {
		return api.Approval{}, api.Errorf(http.StatusInternalServerError, "encode who was told of request %s: %v", v.ID, err)
	}
	return api.Approval{Request: b, WaitedMS: v.Waited.Milliseconds(), LeftMS: v.Left.Milliseconds(), Trail: t}, nil
}

func decision(d approval.Decision) api.ApprovalDecision {
	w := api.ApprovalDecision{ID: d.ID, Digest: d.Digest, Allowed: d.Allowed(), Outcome: d.Outcome.String(), Reason: d.Reason,
		HeldMS: float64(d.Held.Microseconds()) / 1000, At: d.At, With: d.With, Needs: d.Needs}
	if d.Outcome == approval.Approved || d.Outcome == approval.Rejected || d.Outcome == approval.Seconding {
		uid := d.By.UID
		w.ByUID, w.By, w.Scope = &uid, d.By.String(), d.Scope.String()
	}
	return w
}

// Refusal gives why an answer does not apply a status of HTTP.
func Refusal(err error) *api.Error {
	status := http.StatusConflict
	switch {
	case errors.Is(err, approval.ErrUnknown):
		status = http.StatusNotFound
	case errors.Is(err, approval.ErrScope), errors.Is(err, approval.ErrAmbiguous):
		status = http.StatusBadRequest
	case errors.Is(err, approval.ErrFourEyes), errors.Is(err, approval.ErrSame):
		status = http.StatusForbidden
	case errors.Is(err, approval.ErrExpired), errors.Is(err, approval.ErrJailEnded), errors.Is(err, approval.ErrGone):
		status = http.StatusGone
	}
	e := api.Errorf(status, "%v", err)
	var r *approval.Refusal
	if errors.As(err, &r) {
		e.Hint = r.Hint
	}
	return e
}
