package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// What OMS 1.0 and in-toto call things.
const (
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://model_signing/signature/v1.0"
	payloadType   = "application/vnd.in-toto+json"
)

// The encoding of a statement. The order of the fields is that of the JSON.
type (
	statement struct {
		Type          string    `json:"_type"`
		Subject       []subject `json:"subject"`
		PredicateType string    `json:"predicateType"`
		Predicate     predicate `json:"predicate"`
	}
	subject struct {
		Name   string            `json:"name"`
		Digest map[string]string `json:"digest"`
	}
	predicate struct {
		Resources     []resource    `json:"resources"`
		Serialization serialization `json:"serialization"`
	}
	resource struct {
		Name        string       `json:"name"`
		Digest      string       `json:"digest"`
		Algorithm   string       `json:"algorithm"`
		Annotations *annotations `json:"annotations,omitempty"`
	}
	annotations struct {
		Mode string `json:"mode,omitempty"`
	}
	serialization struct {
		Method        string   `json:"method"`
		HashType      string   `json:"hash_type"`
		AllowSymlinks bool     `json:"allow_symlinks"`
		IgnorePaths   []string `json:"ignore_paths,omitempty"`
	}
)

// ignorePaths is what Ignored leaves out whatever the signatures are called.
var ignorePaths = [...]string{".clawhub", ".git", "_meta.json", "skill.oms.sig", "skill.sig"}

// Statement is the manifest in the one encoding that is signed. A manifest made
// by New always has one.
func (m Manifest) Statement() []byte {
	s := statement{Type: statementType, PredicateType: predicateType,
		Subject: []subject{{Name: m.Name, Digest: map[string]string{"sha256": m.Root().Hex()}}},
		Predicate: predicate{Resources: make([]resource, len(m.Files)),
			Serialization: serialization{Method: "files", HashType: "sha256", IgnorePaths: ignorePaths[:]}}}
	for i, f := range m.Files {
		s.Predicate.Resources[i] = resource{Name: f.Name, Digest: f.Digest.Hex(), Algorithm: "sha256", Annotations: &annotations{f.Mode()}}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // text and no cycles: it cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Signed is what a statement says.
type Signed struct {
	Manifest
	// Modes says that the modes of the files were signed too. Without, every
	// File.Exec is false.
	Modes bool
}

// ParseStatement reads a statement of OMS 1.0, from clawjail or elsewhere, and
// refuses one that contradicts itself. It says nothing about who made it.
func ParseStatement(b []byte) (Signed, error) {
	if len(b) > MaxStatement {
		return Signed{}, fmt.Errorf("the statement has %d bytes, at most %d", len(b), MaxStatement)
	}
	var s statement
	if err := decodeOne(b, &s); err != nil {
		return Signed{}, fmt.Errorf("the statement is no JSON of its kind: %w", err)
	}
	if err := s.check(); err != nil {
		return Signed{}, err
	}
	out := Signed{Modes: true}
	files := make([]File, len(s.Predicate.Resources))
	for i, r := range s.Predicate.Resources {
		files[i].Name = r.Name
		if r.Algorithm != "sha256" {
			return Signed{}, fmt.Errorf("file %q was hashed with %q; only sha256 is read", clip(r.Name), clip(r.Algorithm))
		}
		if err := files[i].Digest.fromHex(r.Digest); err != nil {
			return Signed{}, fmt.Errorf("file %q: %w", clip(r.Name), err)
		}
		switch {
		case r.Annotations == nil || r.Annotations.Mode == "":
			out.Modes = false
		case r.Annotations.Mode != "0755" && r.Annotations.Mode != "0644":
			return Signed{}, fmt.Errorf("file %q has the mode %q, not 0755 or 0644", clip(r.Name), clip(r.Annotations.Mode))
		default:
			files[i].Exec = r.Annotations.Mode == "0755"
		}
	}
	if !slices.IsSortedFunc(files, func(a, b File) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) }) {
		return Signed{}, errors.New("the statement's files are not sorted by name")
	}
	if !out.Modes {
		for i := range files {
			files[i].Exec = false
		}
	}
	m, err := New(s.Subject[0].Name, files)
	if err != nil {
		return Signed{}, fmt.Errorf("the statement: %w", err)
	}
	if got := s.Subject[0].Digest["sha256"]; got != m.Root().Hex() {
		return Signed{}, fmt.Errorf("the statement's root digest %q is not that of its files, %s", clip(got), m.Root().Hex())
	}
	out.Manifest = m
	return out, nil
}

// check refuses what is no OMS 1.0 statement, or one of a kind not read here.
func (s statement) check() error {
	z := s.Predicate.Serialization
	switch {
	case s.Type != statementType:
		return fmt.Errorf("the statement has the type %q, not %s", clip(s.Type), statementType)
	case s.PredicateType != predicateType:
		return fmt.Errorf("the statement's predicate is %q, not %s", clip(s.PredicateType), predicateType)
	case len(s.Subject) != 1:
		return fmt.Errorf("the statement has %d subjects, not 1", len(s.Subject))
	case len(s.Predicate.Resources) == 0:
		return errors.New("the statement lists no files")
	case z.Method != "files" || z.HashType != "sha256":
		return fmt.Errorf("the statement was serialised by %q with %q; only files with sha256 is read", clip(z.Method), clip(z.HashType))
	case z.AllowSymlinks:
		return errors.New("the statement was made following symbolic links, which a skill may not have")
	}
	return nil
}

// decodeOne decodes exactly one JSON value.
func decodeOne(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return errors.New("it ends too early")
		}
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text follows its end")
	}
	return nil
}

// Difference is one way in which a tree is not what was signed.
type Difference struct {
	Name string
	// Kind is changed, missing, mode or extra.
	Kind string
}

// Compare gives the differences of a tree from what was signed, at most 100,
// and how many there are in all.
func (s Signed) Compare(m Manifest) ([]Difference, int) {
	var out []Difference
	total := 0
	add := func(name, kind string) {
		if total++; total <= 100 {
			out = append(out, Difference{name, kind})
		}
	}
	have := make(map[string]File, len(m.Files))
	for _, f := range m.Files {
		have[f.Name] = f
	}
	for _, want := range s.Files {
		got, ok := have[want.Name]
		delete(have, want.Name)
		switch {
		case !ok:
			add(want.Name, "missing")
		case got.Digest != want.Digest:
			add(want.Name, "changed")
		case s.Modes && got.Exec != want.Exec:
			add(want.Name, "mode")
		}
	}
	for _, f := range m.Files {
		if _, extra := have[f.Name]; extra {
			add(f.Name, "extra")
		}
	}
	return out, total
}
