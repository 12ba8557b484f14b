package approval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"clawjail/audit/escape"
)

// text is a string that may hold any bytes; in JSON it is escaped.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a shell's < > & stay readable
	if err := e.Encode(escape.String(string(t))); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	raw, err := escape.Unescape(s)
	*t = text(raw)
	return err
}

// form is a Request in JSON.
type form struct {
	ID         string    `json:"id"`
	Jail       text      `json:"jail"`
	JailName   text      `json:"jail_name"`
	Agent      text      `json:"agent,omitempty"`
	Policy     text      `json:"policy,omitempty"`
	StartedBy  uint32    `json:"started_by_uid"`
	Gate       string    `json:"gate"`
	Op         text      `json:"op"`
	Argv       []text    `json:"argv,omitempty"`
	ArgvTail   []text    `json:"argv_tail,omitempty"`
	Argc       int       `json:"argc,omitempty"`
	ArgvBytes  int64     `json:"argv_bytes,omitempty"`
	ArgvSHA256 text      `json:"argv_sha256,omitempty"`
	Path       text      `json:"path,omitempty"`
	Path2      text      `json:"path2,omitempty"`
	SHA256     text      `json:"sha256,omitempty"`
	Host       text      `json:"host,omitempty"`
	Addr       string    `json:"addr,omitempty"`
	Port       uint16    `json:"port,omitempty"`
	Cwd        text      `json:"cwd,omitempty"`
	Parents    []parent  `json:"parents,omitempty"`
	ParentsCut int       `json:"parents_cut,omitempty"`
	Rule       text      `json:"rule,omitempty"`
	Impact     []text    `json:"impact,omitempty"`
	Reversible string    `json:"reversible,omitempty"`
	Notes      []text    `json:"notes,omitempty"`
	Claim      text      `json:"claim,omitempty"`
	Covers     string    `json:"covers,omitempty"` // for readers; computed
	Key        text      `json:"key"`
	Digest     string    `json:"digest"`
	Waiting    int       `json:"waiting"`
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires"`
	Timeout    int64     `json:"timeout_ns"`
	Deadline   int64     `json:"deadline_boot_ns"`
	Asked      int64     `json:"asked_boot_ns"`
	Boot       text      `json:"boot,omitempty"`
}

type parent struct {
	PID  int32  `json:"pid,omitempty"`
	Path text   `json:"path"`
	Argv []text `json:"argv,omitempty"`
	Cut  bool   `json:"argv_cut,omitempty"`
}

// Encode gives a request as JSON: one line that is safe on a terminal.
func Encode(r Request) ([]byte, error) {
	f := form{
		ID: r.ID, Jail: text(r.Jail), JailName: text(r.JailName), Agent: text(r.Agent), Policy: text(r.Policy),
		StartedBy: r.StartedBy, Gate: r.Gate, Op: text(r.Op), Argv: texts(r.Argv), ArgvTail: texts(r.ArgvTail),
		Argc: r.Argc, ArgvBytes: r.ArgvBytes, ArgvSHA256: text(r.ArgvSHA256), Path: text(r.Path), Path2: text(r.Path2),
		SHA256: text(r.SHA256), Host: text(r.Host), Port: r.Port, Cwd: text(r.Cwd), ParentsCut: r.ParentsCut,
		Rule: text(r.Rule), Impact: texts(r.Impact), Reversible: string(r.Reversible), Notes: texts(r.Notes),
		Claim: text(r.Claim), Covers: r.Covers(), Key: text(r.Key), Digest: r.Digest, Waiting: r.Waiting,
		Created: r.Created, Expires: r.Expires, Timeout: int64(r.Timeout), Deadline: int64(r.Deadline),
		Asked: int64(r.Asked), Boot: text(r.Boot),
	}
	if r.Addr.IsValid() {
		f.Addr = r.Addr.String()
	}
	for _, p := range r.Parents {
		f.Parents = append(f.Parents, parent{PID: p.PID, Path: text(p.Path), Argv: texts(p.Argv), Cut: p.ArgvCut})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(f)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// Decode reads what Encode gave, strictly: unknown members, texts over their
// limits, and a digest that is not the digest of the rest are errors.
func Decode(b []byte) (Request, error) {
	if len(b) > MaxRequest {
		return Request{}, fmt.Errorf("decode a request: %d bytes, at most %d", len(b), MaxRequest)
	}
	var f form
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Request{}, fmt.Errorf("decode a request: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Request{}, errors.New("decode a request: text after its end")
	}
	r, err := f.request()
	if err != nil {
		return Request{}, fmt.Errorf("decode a request: %w", err)
	}
	return r, nil
}

func (f form) request() (Request, error) {
	r := Request{
		ID: f.ID, Jail: string(f.Jail), JailName: string(f.JailName), Agent: string(f.Agent), Policy: string(f.Policy),
		StartedBy: f.StartedBy, Gate: f.Gate, Op: string(f.Op), Argv: plain(f.Argv), ArgvTail: plain(f.ArgvTail),
		Argc: f.Argc, ArgvBytes: f.ArgvBytes, ArgvSHA256: string(f.ArgvSHA256), Path: string(f.Path), Path2: string(f.Path2),
		SHA256: string(f.SHA256), Host: string(f.Host), Port: f.Port, Cwd: string(f.Cwd), ParentsCut: f.ParentsCut,
		Rule: string(f.Rule), Impact: plain(f.Impact), Reversible: Reversible(f.Reversible), Notes: plain(f.Notes),
		Claim: string(f.Claim), Key: string(f.Key), Digest: f.Digest, Waiting: f.Waiting,
		Created: f.Created, Expires: f.Expires, Timeout: time.Duration(f.Timeout), Deadline: time.Duration(f.Deadline),
		Asked: time.Duration(f.Asked), Boot: string(f.Boot),
	}
	for _, p := range f.Parents {
		r.Parents = append(r.Parents, Process{PID: p.PID, Path: string(p.Path), Argv: plain(p.Argv), ArgvCut: p.Cut})
	}
	if f.Addr != "" {
		addr, err := netip.ParseAddr(f.Addr)
		if err != nil {
			return Request{}, err
		}
		r.Addr = addr
	}
	return r, r.checkDecoded()
}

// checkDecoded says what no request of ours can be.
func (r *Request) checkDecoded() error {
	if err := r.validate(); err != nil {
		return err
	}
	if !validID(r.ID) {
		return fmt.Errorf("%q is no id of a request", clipText(r.ID, 32))
	}
	if len(r.Argv) > 2*MaxArgvWord || len(r.ArgvTail) > MaxArgvWord || len(r.Parents) > MaxParents {
		return errors.New("more words or parents than a request can have")
	}
	if r.Argc < 0 || r.ArgvBytes < 0 || r.ParentsCut < 0 || r.Waiting < 0 || r.Timeout < 0 || r.Deadline < 0 || r.Asked < 0 {
		return errors.New("a negative count or time")
	}
	switch r.Reversible {
	case ReversibleUnknown, ReversibleYes, ReversibleNo:
	default:
		return fmt.Errorf("reversible is %q", clipText(string(r.Reversible), 32))
	}
	if got := Digest(*r); got != r.Digest {
		return fmt.Errorf("the digest of request %s is %s, not %s as it says", r.ID, got, clipText(r.Digest, 64))
	}
	return nil
}

func validID(id string) bool {
	if len(id) != 8 {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func texts(in []string) []text {
	out := make([]text, len(in))
	for i, s := range in {
		out[i] = text(s)
	}
	return out
}

func plain(in []text) []string {
	if len(in) == 0 {
		return nil
	}
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}
