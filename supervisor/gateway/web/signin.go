package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"clawjail/supervisor/gateway/auth/wire"
)

type signInData struct {
	Next, User string
}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) {
	if s.limited(w, s.strangers, network(clientOf(r))) {
		return
	}
	s.render(w, http.StatusOK, "sign-in", frame{Title: "Sign in", Data: signInData{Next: local(r.URL.Query().Get("next"))}})
}

// signIn takes the form.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	client := clientOf(r)
	if s.throttle(w, r) {
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "this form cannot be read", http.StatusBadRequest)
		return
	}
	user, next := r.PostForm.Get("user"), local(r.PostForm.Get("next"))
	t, err := s.opt.Auth.SignIn(r.Context(), wire.SignIn{User: user, Password: r.PostForm.Get("password"), Code: r.PostForm.Get("code"),
		Client: client.String(), Device: value(r, deviceCookie)})
	s.attempted(err)
	if err != nil {
		f := frame{Title: "Sign in", Problem: "Nobody can sign in at the moment.", Data: signInData{Next: next, User: plain(Text(user))}}
		status := http.StatusBadGateway
		var refused *wire.Refusal
		if errors.As(err, &refused) {
			status, f.Problem, f.Hint = refused.Status, refused.Message, refused.Hint
		} else {
			s.opt.Logger.Error("the sign-in process", "error", err)
		}
		s.render(w, status, "sign-in", f)
		return
	}
	setTokens(w, t, time.Now())
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if access := value(r, accessCookie); access != "" {
		if err := s.opt.Auth.SignOut(r.Context(), access); err != nil {
			s.opt.Logger.Warn("a session could not be ended", "error", err)
		}
	}
	clearTokens(w)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

func (s *Server) passkeyBegin(w http.ResponseWriter, r *http.Request) {
	if s.limited(w, s.strangers, network(clientOf(r))) {
		return
	}
	c, err := s.opt.Auth.BeginPasskey(r.Context())
	s.answer(w, c, err)
}

func (s *Server) passkeyFinish(w http.ResponseWriter, r *http.Request) {
	if s.throttle(w, r) {
		return
	}
	p, err := passkeyOf(r)
	var t wire.Tokens
	if err == nil {
		t, err = s.opt.Auth.FinishPasskey(r.Context(), p)
		s.attempted(err)
	}
	if err == nil {
		setTokens(w, t, time.Now())
	}
	s.answer(w, struct{}{}, err)
}

// passkeyOf reads what the script sends at the end of a ceremony.
func passkeyOf(r *http.Request) (wire.Passkey, error) {
	var p wire.Passkey
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, &wire.Refusal{Status: http.StatusBadRequest, Message: "the passkey cannot be read"}
	}
	p.Client, p.Access = clientOf(r).String(), ""
	return p, nil
}

func registerBegin(v *view) error {
	c, err := v.s.opt.Auth.BeginRegister(v.r.Context(), v.access)
	v.s.answer(v.w, c, err)
	return nil
}

func registerFinish(v *view) error {
	p, err := passkeyOf(v.r)
	if err == nil {
		p.Access = v.access
		err = v.s.opt.Auth.FinishRegister(v.r.Context(), p)
	}
	v.s.answer(v.w, struct{}{}, err)
	return nil
}

func accountPage(v *view) error {
	a, err := v.s.opt.Auth.Account(v.r.Context(), v.access)
	if err != nil {
		return err
	}
	v.show(http.StatusOK, "account", "account", "Account", false, a)
	return nil
}

func changePassword(v *view) error {
	err := v.newPassword()
	if err == nil {
		v.back("/account", "password")
	}
	return err
}

// firstPage is where somebody chooses a password who was given one. Nothing else
// is shown to them before, and the sign-in process does nothing else for them.
const firstPage = "/first-password"

type firstData struct{ User, Next string }

// first sends somebody there, and afterwards back to where they wanted to go.
func (v *view) first() {
	to := firstPage
	if v.r.Method == http.MethodGet {
		to += "?next=" + url.QueryEscape(v.r.URL.RequestURI())
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
}

func firstPasswordPage(v *view) error {
	next := local(v.r.URL.Query().Get("next"))
	if !v.MustChange {
		http.Redirect(v.w, v.r, next, http.StatusSeeOther)
		return nil
	}
	v.s.render(v.w, http.StatusOK, "first", frame{Title: "Choose a password", Data: firstData{User: v.User, Next: next}})
	return nil
}

func firstPassword(v *view) error {
	if err := v.newPassword(); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, local(v.r.PostFormValue("next")), http.StatusSeeOther)
	return nil
}

// newPassword takes the form of either page.
func (v *view) newPassword() error {
	f := v.r.PostFormValue
	if f("new") != f("again") {
		return &wire.Refusal{Status: http.StatusBadRequest, Message: "The two new passwords are not the same."}
	}
	return v.s.opt.Auth.ChangePassword(v.r.Context(), wire.NewPassword{Access: v.access, Old: f("old"), New: f("new"), Client: v.client.String()})
}

func endSession(v *view) error {
	err := v.s.opt.Auth.EndSession(v.r.Context(), v.access, v.r.PostFormValue("id"))
	if err == nil {
		v.back("/account", "session")
	}
	return err
}

func removePasskey(v *view) error {
	err := v.s.opt.Auth.RemovePasskey(v.r.Context(), v.access, v.r.PostFormValue("name"))
	if err == nil {
		v.back("/account", "passkey")
	}
	return err
}
