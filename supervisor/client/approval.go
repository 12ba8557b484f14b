package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
)

// Approval is a held request. Its digest was checked against its content, so
// what is shown of it is what an answer binds to.
type Approval struct {
	approval.Request
	Waited time.Duration // when it was received
	Left   time.Duration
	Trail  approval.Trail
}

// ApprovalEvent is one change of what is held.
type ApprovalEvent struct {
	Kind     approval.EventKind
	List     []Approval            // of a Resync: everything that is held now
	More     int                   // of a Resync: how many did not fit
	Approval Approval              // of Added, Changed, Removed
	Decision *api.ApprovalDecision // of Removed
	Notice   *api.Notice           // of Told
}

// Approvals lists the held requests, and says how many more there are.
func (c Client) Approvals(ctx context.Context) ([]Approval, int, error) {
	var a api.Approvals
	if _, err := c.call(ctx, http.MethodGet, "/v1/approvals", nil, &a); err != nil {
		return nil, 0, err
	}
	list, err := decodeApprovals(a)
	return list, a.More, err
}

// Approval gives one held request, by its id or the beginning of it.
func (c Client) Approval(ctx context.Context, id string) (Approval, error) {
	var a api.Approval
	if _, err := c.call(ctx, http.MethodGet, approvalPath(id, ""), nil, &a); err != nil {
		return Approval{}, err
	}
	return decodeApproval(a)
}

// EndedApproval gives how a request ended, by its whole id, and what people were
// told, saw and said of it until then.
func (c Client) EndedApproval(ctx context.Context, id string) (api.ApprovalDecision, approval.Trail, error) {
	var a api.EndedApproval
	if _, err := c.call(ctx, http.MethodGet, approvalPath(id, "ended"), nil, &a); err != nil {
		return a.Decision, approval.Trail{}, err
	}
	t, err := approval.DecodeTrail(a.Trail)
	return a.Decision, t, err
}

// Notices gives what was done and is told, of one jail or with "" of all.
func (c Client) Notices(ctx context.Context, jail string) ([]api.Notice, error) {
	var n api.Notices
	_, err := c.call(ctx, http.MethodGet, "/v1/approvals/notices?jail="+url.QueryEscape(jail), nil, &n)
	return n.Notices, err
}

// Decide answers a held request. It gives the request that was decided.
func (c Client) Decide(ctx context.Context, id string, r api.DecideRequest) (approval.Request, api.ApprovalDecision, error) {
	var a api.DecideAnswer
	if _, err := c.call(ctx, http.MethodPost, approvalPath(id, "decide"), r, &a); err != nil {
		return approval.Request{}, api.ApprovalDecision{}, err
	}
	req, err := approval.Decode(a.Request)
	return req, a.Decision, err
}

// maxEventBytes bounds one line of the stream: a whole list and some change.
const maxEventBytes = api.MaxApprovalsBytes + 4<<20

// WatchApprovals calls fn for every change, beginning with a Resync, until ctx
// ends, the supervisor ends, or fn gives an error.
func (c Client) WatchApprovals(ctx context.Context, fn func(ApprovalEvent) error) error {
	conn, res, err := c.send(ctx, http.MethodGet, "/v1/approvals/watch", nil, nil)
	if err != nil {
		return err
	}
	// The last one first: closing the body reads it to its end, which comes
	// when the connection is closed.
	defer res.Body.Close()
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.UnixConn.Close() })
	defer stop()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 64<<10), maxEventBytes)
	for lines.Scan() {
		var e api.ApprovalEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("decode a change of the held requests: %w", err)
		}
		ev, err := decodeEvent(e)
		if err != nil {
			return err
		}
		if err := fn(ev); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("watch the held requests: %w", err)
	}
	return fmt.Errorf("the supervisor at %s went away", c.Socket)
}

func decodeEvent(e api.ApprovalEvent) (ApprovalEvent, error) {
	ev := ApprovalEvent{Kind: approval.EventKind(e.Kind), Decision: e.Decision, Notice: e.Notice}
	var err error
	if e.List != nil {
		ev.More = e.List.More
		ev.List, err = decodeApprovals(*e.List)
	}
	if e.Approval != nil && err == nil {
		ev.Approval, err = decodeApproval(*e.Approval)
	}
	return ev, err
}

func decodeApprovals(a api.Approvals) ([]Approval, error) {
	list := make([]Approval, 0, len(a.Approvals))
	for _, one := range a.Approvals {
		got, err := decodeApproval(one)
		if err != nil {
			return nil, err
		}
		list = append(list, got)
	}
	return list, nil
}

func decodeApproval(a api.Approval) (Approval, error) {
	r, err := approval.Decode(a.Request)
	if err != nil {
		return Approval{}, err
	}
	out := Approval{Request: r, Waited: time.Duration(a.WaitedMS) * time.Millisecond,
		Left: time.Duration(a.LeftMS) * time.Millisecond}
	if len(a.Trail) > 0 {
		out.Trail, err = approval.DecodeTrail(a.Trail)
	}
	return out, err
}

func approvalPath(id, verb string) string {
	p := "/v1/approvals/" + url.PathEscape(id)
	if verb == "" {
		return p
	}
	return p + "/" + verb
}
