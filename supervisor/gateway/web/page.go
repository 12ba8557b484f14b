package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/config"
	"clawjail/supervisor/gateway/auth/wire"
)

// parsePages parses each page together with the frame around it.
func parsePages() (map[string]*template.Template, error) {
	funcs := template.FuncMap{
		"text": Text, "words": Words, "said": Said, "ago": ago, "when": when, "seconds": func(d time.Duration) int { return int(d.Seconds()) },
		"for": show.Duration, "per": func(d time.Duration) string {
			return strings.TrimSuffix(strings.TrimSuffix(show.Duration(d), " 0s"), " 0m")
		}, "bytes": sizeOf, "short": short, "light": light, "plain": plain,
		"percent": func(used, most int64) int64 { return int64(min(100, float64(used)*100/float64(max(most, 1)))) },
	}
	out := map[string]*template.Template{}
	for _, name := range []string{"sign-in", "approvals", "approval", "jails", "incidents", "incident", "audit", "limits", "skills", "health", "account", "users", "user", "given", "first", "checklist", "message", "reopen"} {
		t, err := template.New("frame.html").Funcs(funcs).ParseFS(pageFiles, "pages/frame.html", "pages/part.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		out[name] = t
	}
	return out, nil
}

// frame is what every page has.
type frame struct {
	Title   string
	Section string // of the navigation
	User    string
	Role    assert.Role
	Approve bool   // may decide
	Respond bool   // may freeze, thaw, kill
	Admin   bool   // may keep users
	StepUp  string // what takes a fresh second factor, besides users: "never", "critical" or "always"
	Done    string
	Problem string
	Hint    string
	Live    bool // is renewed when something changes
	Now     time.Time
	Data    any
}

// view is a request for a page by somebody who is signed in.
type view struct {
	s *Server
	w http.ResponseWriter
	r *http.Request
	visitor
}

func (v *view) show(status int, page, section, title string, live bool, data any) {
	f := frame{Title: title, Section: section, User: v.User, Role: v.Role, Approve: v.Role.Includes(assert.Approver), Respond: v.Role.Includes(assert.Responder),
		Admin: v.Role.Includes(assert.Admin), StepUp: v.s.stepUp(), Done: done(v.r.URL.Query().Get("done")), Live: live, Now: time.Now(), Data: data}
	v.s.render(v.w, status, page, f)
}

// stepUp says what takes a fresh second factor.
func (s *Server) stepUp() string {
	switch {
	case s.opt.NeedsStepUp(false):
		return config.StepUpAlways
	case s.opt.NeedsStepUp(true):
		return config.StepUpCritical
	}
	return config.StepUpNever
}

// done gives the words for what was done before a page was opened. Only what is
// here is shown: an address can be written by anybody.
func done(key string) string {
	return map[string]string{"approved": "Approved.", "seconding": "Your approval counts. It takes another person as well.", "denied": "Denied.", "freeze": "The jail is frozen.", "thaw": "The jail goes on.", "kill": "The jail was killed.",
		"release": "The incident is released.", "close": "The incident is closed.", "assess": "The damage was assessed again.", "preserve": "Evidence was taken.",
		"severity": "The severity is changed.", "open": "The incident is open and the jail is frozen.", "password": "The password is changed; other sessions have ended.",
		"session": "The session has ended.", "passkey": "The passkey was removed.", "added": "The passkey was added.",
		"user-role": "The role is changed. It counts at once.", "user-disable": "The user is disabled, and signed out everywhere.", "user-enable": "The user may sign in.",
		"user-end-sessions": "The sessions have ended."}[key]
}

// render writes a page. It is made whole before its first byte is sent.
func (s *Server) render(w http.ResponseWriter, status int, page string, f frame) {
	var b bytes.Buffer
	if err := s.pages[page].Execute(&b, f); err != nil {
		s.opt.Logger.Error("render", "page", page, "error", err)
		http.Error(w, "this page cannot be shown; the log of clawjail-gateway says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a browser that went away asks again
}

// page serves somebody who is signed in; others are sent to the sign-in.
func (s *Server) page(fn func(*view) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Site") == "cross-site" && value(r, accessCookie) == "" {
			// The cookies stay at home on a visit from elsewhere.
			s.render(w, http.StatusOK, "reopen", frame{Title: "Opening", Data: r.URL.RequestURI()})
			return
		}
		v, err := s.visit(w, r)
		var refused *wire.Refusal
		if errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
			if s.limited(w, s.strangers, network(v.client)) {
				return
			}
			clearTokens(w)
			if r.Method != http.MethodGet {
				http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
				return
			}
			http.Redirect(w, r, "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		x := &view{s: s, w: w, r: r, visitor: v}
		if err == nil {
			if s.limited(w, s.sessions, v.Session) {
				return
			}
			if v.MustChange && !strings.HasPrefix(r.URL.Path, firstPage) {
				x.first()
				return
			}
			err = fn(x)
		}
		if err != nil && !errors.Is(err, errAnswered) {
			x.fail(err)
		}
	})
}

// fail says why something is not done or not shown.
func (v *view) fail(err error) {
	status, message, hint := http.StatusBadGateway, "The supervisor does not answer.", "Look at it on the host: systemctl status clawjail"
	var apiErr *api.Error
	var refused *wire.Refusal
	switch {
	case errors.As(err, &apiErr):
		status, message, hint = apiErr.Status, apiErr.Message, apiErr.Hint
	case errors.As(err, &refused):
		status, message, hint = refused.Status, refused.Message, refused.Hint
	default:
		v.s.opt.Logger.Warn("a page could not be shown", slog.String("path", v.r.URL.Path), "error", err)
	}
	if begin := v.r.PostForm.Get("step_begin"); begin != "" { // the script shows it where the person is
		v.s.answer(v.w, nil, &api.Error{Status: status, Message: message, Hint: hint})
		return
	}
	if v.MustChange {
		v.s.render(v.w, status, "first", frame{Title: "Choose a password", Problem: message, Hint: hint, Data: firstData{User: v.User, Next: local(v.r.PostForm.Get("next"))}})
		return
	}
	f := frame{Title: "Not done", User: v.User, Role: v.Role, Admin: v.Role.Includes(assert.Admin), Problem: message, Hint: hint, Now: time.Now()}
	v.s.render(v.w, status, "message", f)
}

// back goes on to a page after a change.
func (v *view) back(path, what string) {
	http.Redirect(v.w, v.r, path+"?done="+url.QueryEscape(what), http.StatusSeeOther)
}

// pageRoutes adds the pages.
func (s *Server) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/approvals", http.StatusSeeOther) })
	mux.HandleFunc("GET /sign-in", s.signInPage)
	mux.HandleFunc("POST /sign-in", s.signIn)
	mux.HandleFunc("POST /sign-in/passkey/begin", s.passkeyBegin)
	mux.HandleFunc("POST /sign-in/passkey/finish", s.passkeyFinish)
	mux.HandleFunc("POST /sign-out", s.signOut)
	for pattern, fn := range map[string]func(*view) error{
		"GET /approvals":               approvalsPage,
		"GET /approvals/{id}":          approvalPage,
		"POST /approvals/{id}":         decide,
		"GET /jails":                   jailsPage,
		"POST /jails/{id}/{verb}":      changeJail,
		"GET /incidents":               incidentsPage,
		"GET /incidents/{id}":          incidentPage,
		"POST /incidents":              openIncident,
		"POST /incidents/{id}/{verb}":  changeIncident,
		"GET /audit":                   auditPage,
		"GET /limits":                  limitsPage,
		"GET /skills":                  skillsPage,
		"GET /health":                  healthPage,
		"GET /checklist":               checklistPage,
		"GET /users":                   peoplePage,
		"POST /users":                  addPerson,
		"GET /users/{name}":            personPage,
		"POST /users/{name}":           changePerson,
		"GET /account":                 accountPage,
		"POST /account/password":       changePassword,
		"GET " + firstPage:             firstPasswordPage,
		"POST " + firstPage:            firstPassword,
		"POST /account/session":        endSession,
		"POST /account/passkey":        removePasskey,
		"POST /account/passkey/begin":  registerBegin,
		"POST /account/passkey/finish": registerFinish,
		"GET /events":                  events,
	} {
		mux.Handle(pattern, s.page(fn))
	}
}

// local gives a path of this console that a visitor wanted, or the first page.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/approvals"
	}
	return next
}

func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return show.Duration(time.Since(t)) + " ago"
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format("2006-01-02 15:04:05 MST")
}

// short gives enough of a digest to tell one from another.
func short(digest string) string {
	_, hex, cut := strings.Cut(digest, ":")
	if !cut {
		hex = digest
	}
	return hex[:min(len(hex), 12)]
}

func sizeOf(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
