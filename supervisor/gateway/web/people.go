package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"rsc.io/qr"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/gateway/auth/wire"
)

type peopleData struct {
	People []wire.Person
	Roles  []string
}

func peoplePage(v *view) error {
	list, err := v.s.opt.Auth.People(v.r.Context(), v.access)
	if err != nil {
		return err
	}
	v.show(http.StatusOK, "users", "users", "Users", false, peopleData{People: list, Roles: assert.Roles()})
	return nil
}

type personData struct {
	wire.Person
	Roles []string
	Self  bool
}

func personPage(v *view) error {
	p, err := v.s.person(v.r, v.access)
	if err != nil {
		return err
	}
	v.show(http.StatusOK, "user", "users", "User "+p.Name, false, personData{Person: p, Roles: assert.Roles(), Self: p.Name == v.User})
	return nil
}

// person finds the user that the path names.
func (s *Server) person(r *http.Request, access string) (wire.Person, error) {
	list, err := s.opt.Auth.People(r.Context(), access)
	for _, p := range list {
		if p.Name == r.PathValue("name") {
			return p, nil
		}
	}
	if err == nil {
		err = &api.Error{Status: http.StatusNotFound, Message: "There is no such user."}
	}
	return wire.Person{}, err
}

func addPerson(v *view) error {
	f := v.r.PostFormValue
	return v.changePerson(wire.Change{Verb: wire.Add, Name: f("name"), Role: assert.Role(f("role")), NoFactor: f("no_authenticator") != "", NoAccount: f("no_account") != ""})
}

// changePerson takes the button that was pressed: "disable", or "end-sessions:ID".
func changePerson(v *view) error {
	verb, session, _ := strings.Cut(v.r.PostFormValue("verb"), ":")
	c := wire.Change{Verb: verb, Name: v.r.PathValue("name"), Session: session}
	switch verb {
	case wire.Add:
		return &api.Error{Status: http.StatusBadRequest, Message: "There is no such action."}
	case wire.SetRole:
		c.Role = assert.Role(v.r.PostFormValue("role"))
	}
	return v.changePerson(c)
}

// givenData is what a page shows once.
type givenData struct {
	wire.Given
	Code code
}

func (v *view) changePerson(c wire.Change) error {
	p, begin, err := v.proof()
	if err != nil {
		return err
	}
	g, err := v.s.opt.Auth.ChangePerson(v.r.Context(), wire.People{Access: v.access, Change: &c, Proof: p, Begin: begin})
	if begin {
		v.s.answer(v.w, g.Ceremony, err)
		return errAnswered
	}
	if err != nil {
		return err
	}
	if g.Password == "" && g.Secret == "" {
		v.back("/users/"+url.PathEscape(c.Name), "user-"+c.Verb)
		return nil
	}
	d := givenData{Given: g}
	if g.Address != "" {
		if d.Code, err = draw(g.Address); err != nil {
			return err
		}
	}
	v.show(http.StatusOK, "given", "users", "For "+g.Person.Name, false, d)
	return nil
}

// code is a QR code as the path of a drawing: one unit for each square.
type code struct {
	Size int
	Path string
}

// quiet is the border that readers need.
const quiet = 4

func draw(text string) (code, error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return code{}, errors.New("the authenticator's address is too long for a code")
	}
	var b strings.Builder
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				b.WriteString("M" + itoa(x+quiet) + " " + itoa(y+quiet) + "h1v1h-1z")
			}
		}
	}
	return code{Size: c.Size + 2*quiet, Path: b.String()}, nil
}
