package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/control"
)

type connKey struct{}

// withConn lets a request find the connection that it came on.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if conn, ok := c.(*control.Conn); ok {
		return context.WithValue(ctx, connKey{}, conn)
	}
	return ctx
}

// call is one authorised request.
type call struct {
	s    *Supervisor
	w    http.ResponseWriter
	r    *http.Request
	conn *control.Conn
	peer control.Peer
	// person is who stands behind a call of the console; nil: the peer itself.
	person *assert.Claims
}

// routes is the whole of the control API.
func (s *Supervisor) routes() http.Handler {
	mux := http.NewServeMux()
	add := func(pattern string, fn func(*call) (any, *api.Error)) {
		mux.Handle(pattern, s.authorise(fn))
	}
	add("GET /v1/ping", (*call).ping)
	add("GET /v1/stats", (*call).stats)
	add("GET /v1/jails", (*call).list)
	add("POST /v1/jails", (*call).run)
	add("GET /v1/jails/{id}", (*call).inspect)
	add("GET /v1/jails/{id}/wait", (*call).wait)
	add("GET /v1/jails/{id}/logs", (*call).logs)
	add("POST /v1/jails/{id}/signal", (*call).signal)
	add("POST /v1/jails/{id}/freeze", (*call).freeze)
	add("POST /v1/jails/{id}/thaw", (*call).thaw)
	add("POST /v1/jails/{id}/kill", (*call).kill)
	add("POST /v1/jails/{id}/exec", (*call).exec)
	add("GET /v1/jails/{id}/exec/{exec}/wait", (*call).execWait)
	add("POST /v1/jails/{id}/exec/{exec}/signal", (*call).execSignal)
	s.approvalRoutes(add)
	s.actionRoutes(add)
	s.skillRoutes(add)
	s.incidentRoutes(add)
	s.checklistRoutes(add)
	s.notifyRoutes(add)
	s.peopleRoutes(add)
	s.gatewayRoutes(add)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, api.Errorf(http.StatusNotFound, "%s %s: no such call", r.Method, r.URL.Path))
	})
	return mux
}

// statsRoutes is what the gateway may ask.
func (s *Supervisor) statsRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/stats", s.authorise((*call).stats))
	s.consoleRoutes(mux)
	s.gatewayRoutes(func(pattern string, fn func(*call) (any, *api.Error)) { mux.Handle(pattern, s.authorise(fn)) })
	return mux
}

// approverRoutes is what approvers may ask on their own socket.
func (s *Supervisor) approverRoutes() http.Handler {
	mux := http.NewServeMux()
	s.approvalRoutes(func(pattern string, fn func(*call) (any, *api.Error)) { mux.Handle(pattern, s.authorise(fn)) })
	return mux
}

// authorise finds out who calls and lets only the permitted through. The
// socket's mode says the same; this is the check that counts.
func (s *Supervisor) authorise(fn func(*call) (any, *api.Error)) http.Handler {
	return s.identified(func(c *call) (any, *api.Error) {
		if err := s.permitted(c.peer, c.r); err != nil {
			return nil, err
		}
		return fn(c)
	})
}

// identified finds out which process calls; fn decides if it may.
func (s *Supervisor) identified(fn func(*call) (any, *api.Error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, ok := r.Context().Value(connKey{}).(*control.Conn)
		if !ok {
			writeError(w, api.Errorf(http.StatusInternalServerError, "the request came on no control connection"))
			return
		}
		peer, err := conn.Peer()
		if err != nil {
			writeError(w, api.Errorf(http.StatusForbidden, "who are you? %v", err))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, api.MaxRequestBytes)
		c := &call{s: s, w: w, r: r, conn: conn, peer: peer}
		answer, apiErr := fn(c)
		switch {
		case apiErr != nil:
			writeError(w, apiErr)
		case answer != nil:
			writeJSON(w, http.StatusOK, answer)
		}
	})
}

// permitted: root may do everything, members of the configured group too.
// Approvers may see and decide what is held, the gateway's user may read
// counters and take what is to be sent. Everybody else: nothing.
func (s *Supervisor) permitted(peer control.Peer, r *http.Request) *api.Error {
	if peer.UID == 0 {
		return nil
	}
	if g := s.opt.Config.Group; g != "" && memberOf(peer, g) {
		return nil
	}
	if strings.HasPrefix(r.URL.Path, "/v1/approvals") && s.approvals.mayApprove(peer) {
		return nil
	}
	if peer.UID == s.opt.Config.GatewayUID && (r.Method == http.MethodGet && r.URL.Path == "/v1/stats" || strings.HasPrefix(r.URL.Path, "/v1/gateway/")) {
		return nil
	}
	e := api.Errorf(http.StatusForbidden, "user %d may not use this supervisor", peer.UID)
	if s.opt.Config.Group == "" {
		return e.WithHint("run the command with sudo")
	}
	return e.WithHint("run the command with sudo, or have an administrator add you to the group %q", s.opt.Config.Group)
}

// memberOf looks the peer's groups up in the system's database: what a process
// still carries from before it was thrown out of a group does not count.
func memberOf(peer control.Peer, group string) bool {
	g, err := user.LookupGroup(group)
	if err != nil {
		return false
	}
	if g.Gid == strconv.FormatUint(uint64(peer.GID), 10) {
		return true
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(peer.UID), 10))
	if err != nil {
		return false
	}
	ids, err := u.GroupIds()
	return err == nil && slices.Contains(ids, g.Gid)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func writeError(w http.ResponseWriter, e *api.Error) {
	status := e.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	writeJSON(w, status, e)
}

// decode reads a request's body, strictly.
func (c *call) decode(v any) *api.Error {
	d := json.NewDecoder(c.r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return api.Errorf(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", tooLarge.Limit)
		}
		return api.Errorf(http.StatusBadRequest, "decode the request: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return api.Errorf(http.StatusBadRequest, "decode the request: text after its end")
	}
	return nil
}

// jail finds the jail that the path names.
func (c *call) jail() (*entry, *api.Error) {
	key := c.r.PathValue("id")
	var e *entry
	c.s.loop.do(func(t *table) { e = t.find(key) })
	if e == nil {
		return nil, api.Errorf(http.StatusNotFound, "no jail %q", key).WithHint("`clawjail ps --all` lists them")
	}
	if c.person == nil && c.peer.UID != 0 && e.jail.By != c.peer.UID && c.r.Method != http.MethodGet {
		return nil, api.Errorf(http.StatusForbidden, "jail %s belongs to user %d", key, e.jail.By).WithHint("run the command with sudo")
	}
	return e, nil
}

func (c *call) snapshot(e *entry) api.Jail {
	var j api.Jail
	c.s.loop.do(func(*table) { j = e.snapshot() })
	return j
}

func (c *call) ping() (any, *api.Error) {
	if c.r.URL.Query().Get("then") == "run" {
		c.s.warm()
	}
	return api.Ping{Version: c.s.opt.Version, PID: os.Getpid(), Private: c.s.opt.Private, Tier: c.s.tier, Warning: c.s.warning()}, nil
}

func (c *call) list() (any, *api.Error) {
	js := []api.Jail{}
	c.s.loop.do(func(t *table) { js = append(js, t.list(c.r.URL.Query().Get("all") == "true")...) })
	return js, nil
}

func (c *call) inspect() (any, *api.Error) {
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, apiErr
	}
	return c.snapshot(e), nil
}

func (c *call) run() (any, *api.Error) {
	var r api.RunRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	files := c.conn.TakeFiles()
	defer closeAll(files)
	var j api.Jail
	var pty *os.File
	var apiErr *api.Error
	if r.Rejoin {
		j, pty, apiErr = c.s.rejoin(r, c.peer)
	} else {
		j, pty, apiErr = c.s.create(c.r.Context(), r, c.peer, files)
	}
	if apiErr != nil {
		return nil, apiErr
	}
	c.sendTerminal(pty, r.Rows, r.Cols)
	return api.RunAnswer{Jail: j}, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// wait answers when the jail has ended. With a lease, the jail ends when the
// caller goes away first.
func (c *call) wait() (any, *api.Error) {
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, apiErr
	}
	lease := c.r.URL.Query().Get("lease") == "true"
	if lease && c.peer.UID != 0 && e.jail.By != c.peer.UID {
		return nil, api.Errorf(http.StatusForbidden, "jail %s belongs to user %d", e.jail.Name, e.jail.By)
	}
	if lease {
		c.s.loop.do(func(*table) { e.leases++ })
	}
	select {
	case <-e.done:
		return c.snapshot(e), nil
	case <-c.r.Context().Done():
	}
	if lease {
		c.s.loop.do(func(*table) { e.leases-- })
		c.s.endUnleased(e)
	}
	return nil, api.Errorf(499, "the client went away")
}

func (c *call) signal() (any, *api.Error) {
	var r api.SignalRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, apiErr
	}
	if r.Signal < 1 || r.Signal > 64 {
		return nil, api.Errorf(http.StatusBadRequest, "signal %d is not between 1 and 64", r.Signal)
	}
	handle, apiErr := c.handle(e)
	if apiErr != nil {
		return nil, apiErr
	}
	if err := handle.Signal(c.r.Context(), unix.Signal(r.Signal)); err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "signal %s: %v", unix.SignalName(unix.Signal(r.Signal)), err)
	}
	return struct{}{}, nil
}

func (c *call) reason(verb string) string {
	if c.person != nil {
		return verb + " by " + c.who()
	}
	return fmt.Sprintf("%s by uid %d", verb, c.peer.UID)
}

func (c *call) freeze() (any, *api.Error) { return c.setFrozen(true, "frozen") }

func (c *call) thaw() (any, *api.Error) { return c.setFrozen(false, "thawed") }

func (c *call) setFrozen(stop bool, verb string) (any, *api.Error) {
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, apiErr
	}
	if !stop {
		if apiErr := c.s.mayThaw(); apiErr != nil {
			return nil, apiErr
		}
	}
	if apiErr := c.s.freeze(c.r.Context(), e, stop, c.reason(verb)); apiErr != nil {
		return nil, apiErr
	}
	return c.snapshot(e), nil
}

func (c *call) kill() (any, *api.Error) {
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, apiErr
	}
	if apiErr := c.s.kill(c.r.Context(), e, c.reason("killed")); apiErr != nil {
		return nil, apiErr
	}
	select {
	case <-e.done:
	case <-c.r.Context().Done():
	}
	return c.snapshot(e), nil
}
