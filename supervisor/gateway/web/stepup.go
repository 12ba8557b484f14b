package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/gateway/auth/wire"
)

// errAnswered means that there is nothing more to say.
var errAnswered = errors.New("answered already")

func itoa(n int) string { return strconv.Itoa(n) }

// proof reads the fresh second factor of a form. begin says that the page wants
// to begin the ceremony of what the form would do, instead of doing it.
func (v *view) proof() (p *wire.Proof, begin bool, err error) {
	if err := v.r.ParseForm(); err != nil {
		return nil, false, &api.Error{Status: http.StatusBadRequest, Message: "This form cannot be read."}
	}
	f := v.r.PostForm
	if f.Get("step_begin") != "" {
		return nil, true, nil
	}
	p = &wire.Proof{Code: strings.ReplaceAll(f.Get("step_code"), " ", ""), Client: v.client.String()}
	if signed := f.Get("step_passkey"); signed != "" && p.Code == "" {
		p.Passkey = &wire.Signed{}
		d := json.NewDecoder(strings.NewReader(signed))
		d.DisallowUnknownFields()
		if err := d.Decode(p.Passkey); err != nil {
			return nil, false, &api.Error{Status: http.StatusBadRequest, Message: "The passkey cannot be read."}
		}
	}
	if p.Code == "" && p.Passkey == nil {
		return nil, false, nil
	}
	return p, false, nil
}

// change has the supervisor do something, with the fresh second factor of the
// form. errAnswered is when the page wanted to begin one.
func (v *view) change(target string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	p, begin, err := v.proof()
	if err != nil {
		return nil, err
	}
	if begin {
		c, err := v.s.opt.Auth.BeginStepUp(v.r.Context(), wire.StepUp{Access: v.access, Action: assert.Action(http.MethodPost, target), Digest: assert.Digest(body)})
		v.s.answer(v.w, c, err)
		return nil, errAnswered
	}
	return v.s.up.raw(v.r.Context(), v.access, http.MethodPost, target, body, p)
}
