package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clawjail/policy/skill"
	"clawjail/policy/skill/trust"
)

// Schema is the version of a Record's form.
const Schema = 1

// maxRecord bounds a record: a report is the most of it.
const maxRecord = 32 << 20

// Record is an installed skill: what it is, and what was approved.
type Record struct {
	Schema int    `json:"schema"`
	Name   string `json:"name"`
	// Tree is what the copy is kept under; Root is the digest that OMS has.
	Tree trust.Digest `json:"tree"`
	Root trust.Digest `json:"root"`
	// Source is where it came from, as it was given.
	Source  string        `json:"source"`
	Trusted bool          `json:"trusted_source"`
	Vouches []trust.Vouch `json:"vouches,omitempty"`
	// Grants are the operator's own, in the form of the command line.
	Grants []string `json:"grants,omitempty"`
	// Permissions are what the policy grants, one a line, to compare with.
	Permissions []string `json:"permissions"`
	// Kinds are the kinds of them.
	Kinds    []string     `json:"kinds"`
	Policy   string       `json:"policy"` // YAML
	Report   skill.Report `json:"report"`
	Approval Approval     `json:"approval"`
	// Installed is when this version was.
	Installed time.Time `json:"installed"`
	// Reaudit is what a later audit said, if there was one.
	Reaudit *Reaudit `json:"reaudit,omitempty"`
}

// Approval is a human's yes, and what it was to.
type Approval struct {
	Tree    trust.Digest `json:"tree"`
	RuleSet string       `json:"rule_set"`
	// Policy is the digest of the policy's text.
	Policy  trust.Digest  `json:"policy"`
	Verdict skill.Verdict `json:"verdict"`
	By      string        `json:"by"`
	// Via is gate, terminal or flag.
	Via string    `json:"via"`
	ID  string    `json:"id,omitempty"` // of the gate's request
	At  time.Time `json:"at"`
}

// Reaudit is a later audit of the same files.
type Reaudit struct {
	At      time.Time     `json:"at"`
	RuleSet string        `json:"rule_set"`
	Verdict skill.Verdict `json:"verdict"`
	// New are findings that the approved audit did not have.
	New []skill.Finding `json:"new,omitempty"`
}

// Listed is a record, or why it cannot be read.
type Listed struct {
	Record
	Problem error
}

// ErrNotInstalled says that there is no such skill.
var ErrNotInstalled = errors.New("no such skill is installed")

func (s *Store) recordPath(name string) string {
	return filepath.Join(s.dir, installedDir, name+".json")
}

// Get reads the record of a skill.
func (s *Store) Get(name string) (Record, error) {
	if !trust.ValidName(name) {
		return Record{}, fmt.Errorf("%q is not the name of a skill: %w", name, ErrNotInstalled)
	}
	b, err := readBounded(s.recordPath(name), maxRecord)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Record{}, fmt.Errorf("skill %q: %w\n  clawjail skill list shows what is", name, ErrNotInstalled)
	case err != nil:
		return Record{}, fmt.Errorf("the record of skill %q: %w", name, err)
	}
	r, err := decodeRecord(b)
	if err == nil && r.Name != name {
		err = fmt.Errorf("it is that of %q", r.Name)
	}
	if err != nil {
		return Record{}, fmt.Errorf("the record of skill %q is damaged: %w\n  install it again", name, err)
	}
	return r, nil
}

func decodeRecord(b []byte) (Record, error) {
	var r Record
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Record{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Record{}, errors.New("text follows its end")
	}
	switch {
	case r.Schema != Schema:
		return Record{}, fmt.Errorf("its form is %d, this clawjail reads %d", r.Schema, Schema)
	case !trust.ValidName(r.Name):
		return Record{}, fmt.Errorf("%q is not the name of a skill", r.Name)
	case r.Tree == trust.Digest{} || r.Policy == "":
		return Record{}, errors.New("it has no digest or no policy")
	}
	return r, nil
}

// List reads all records, in the order of their names.
func (s *Store) List() ([]Listed, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, installedDir))
	if err != nil {
		return nil, openError(s.dir, err)
	}
	var out []Listed
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !trust.ValidName(name) {
			continue
		}
		r, err := s.Get(name)
		if errors.Is(err, ErrNotInstalled) {
			continue // removed meanwhile
		}
		r.Name = name
		out = append(out, Listed{Record: r, Problem: err})
	}
	return out, nil
}

// Put makes a record true. The skill that it names must be kept. Lock the store
// before.
func (s *Store) Put(r Record) error {
	r.Schema = Schema
	if err := s.Check(r.Tree); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the record of skill %q: %w", r.Name, err)
	}
	if len(b) > maxRecord {
		return fmt.Errorf("the record of skill %q has %d bytes, at most %d", r.Name, len(b), maxRecord)
	}
	if _, err := decodeRecord(b); err != nil {
		return fmt.Errorf("the record of skill %q: %w", r.Name, err)
	}
	return s.replace(s.recordPath(r.Name), append(b, '\n'))
}

// replace writes a file so that it is the old or the new one, whatever happens.
func (s *Store) replace(target string, b []byte) error {
	f, err := os.CreateTemp(filepath.Join(s.dir, stagingDir), "record-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", target, err)
	}
	if err := os.Rename(f.Name(), target); err != nil {
		return err
	}
	return syncDir(filepath.Dir(target))
}

// Remove takes a record away, and the copy that no other record names. Lock the
// store before.
func (s *Store) Remove(name string) error {
	if !trust.ValidName(name) {
		return fmt.Errorf("%q is not the name of a skill: %w", name, ErrNotInstalled)
	}
	if err := os.Remove(s.recordPath(name)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("skill %q: %w", name, ErrNotInstalled)
	} else if err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Join(s.dir, installedDir)), s.Collect())
}

// readBounded reads a whole file that is no larger than most.
func readBounded(p string, most int64) ([]byte, error) {
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("it has more than %d bytes", most)
	}
	return b, err
}
