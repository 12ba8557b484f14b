package incident

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"
)

const (
	// FileName is the file of an incident in its directory.
	FileName = "incident.json"
	// maxFileBytes bounds it.
	maxFileBytes = 16 << 20
	// MaxIncidents bounds how many a store keeps; older ones are archived by
	// moving their directories away.
	MaxIncidents = 10_000
)

// ErrNotFound says that there is no such incident.
var ErrNotFound = errors.New("no such incident")

// Store keeps incidents in a directory, one directory each.
type Store struct {
	dir string
	now func() time.Time

	mu   sync.Mutex
	all  map[string]*Incident
	torn []string // directories whose incident cannot be read
}

// OpenStore reads every incident in dir, which it makes.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make incident directory: %w", err)
	}
	s := &Store{dir: dir, now: time.Now, all: make(map[string]*Incident)}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	if len(entries) > MaxIncidents {
		return nil, fmt.Errorf("%d incidents in %s, at most %d: move closed ones to an archive", len(entries), dir, MaxIncidents)
	}
	for _, e := range entries {
		if !e.IsDir() || !validID(e.Name()) {
			continue
		}
		i, err := read(filepath.Join(dir, e.Name(), FileName))
		switch {
		case errors.Is(err, fs.ErrNotExist): // being made when the machine died: nothing was promised
		case err != nil || i.ID != e.Name():
			s.torn = append(s.torn, e.Name())
		default:
			s.all[i.ID] = i
		}
	}
	s.keepReserve()
	return s, nil
}

// Unreadable gives the incidents whose files cannot be read.
func (s *Store) Unreadable() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.torn)
}

func validID(s string) bool {
	return regexp.MustCompile(`^[0-9]{8}-[0-9a-f]{6}$`).MatchString(s)
}

// read reads an incident strictly.
func read(path string) (*Incident, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFileBytes {
		return nil, fmt.Errorf("%s: more than %d bytes", path, maxFileBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var i Incident
	if err := d.Decode(&i); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if i.Schema != Schema {
		return nil, fmt.Errorf("%s: schema %d; this program knows %d", path, i.Schema, Schema)
	}
	return &i, nil
}

// replace replaces an incident's file, durably.
func (s *Store) replace(i *Incident) error {
	dir := s.Dir(i.ID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, FileName)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	for _, d := range [...]string{dir, s.dir} {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Dir is the directory of an incident, where its evidence is as well.
func (s *Store) Dir(id string) string { return filepath.Join(s.dir, id) }

// Begin opens an incident. One that holds the same jail already takes the
// trigger as a further step instead; new is false then.
func (s *Store) Begin(t Trigger, j Subject, scope Scope, sev Severity, drill bool) (in Incident, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UTC().Round(0)
	t.What = cut(t.What)
	for _, i := range s.all {
		if i.Subject.Jail == j.Jail && i.State.holds() && i.State != Killed && i.State != Restored {
			return i.clone(), false, nil
		}
	}
	if len(s.all) >= MaxIncidents {
		return Incident{}, false, fmt.Errorf("%d incidents, which is the limit: move closed ones from %s to an archive", len(s.all), s.dir)
	}
	var id [3]byte
	_, _ = rand.Read(id[:]) // never fails
	i := &Incident{Schema: Schema, ID: now.Format("20060102") + "-" + hex.EncodeToString(id[:]), State: Open, Opened: now,
		Trigger: t, Subject: j, Scope: scope, Severity: sev, SeverityBy: "clawjail", Steps: []Step{}, Drill: drill}
	if s.all[i.ID] != nil {
		return Incident{}, false, errors.New("the id of a new incident is taken; try again")
	}
	// It counts at once: a hold that is not on the disk yet is still a hold.
	s.all[i.ID] = i
	return i.clone(), true, s.write(i)
}

// change applies f to a copy of an incident and keeps it when it is on the disk.
func (s *Store) change(id string, f func(*Incident) error) (Incident, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.all[id]
	if i == nil {
		return Incident{}, fmt.Errorf("%w: %q", ErrNotFound, id)
	}
	c := i.clone()
	if err := f(&c); err != nil {
		return i.clone(), err
	}
	if err := s.write(&c); err != nil {
		return i.clone(), fmt.Errorf("write incident %s: %w", id, err)
	}
	s.all[id] = &c
	return c.clone(), nil
}

// Step records that an action was taken and moves the incident on.
func (s *Store) Step(id, by string, a Action, detail, failed string) (Incident, error) {
	return s.change(id, func(i *Incident) error {
		return i.step(Step{Time: s.now().UTC().Round(0), By: by, Action: a, Detail: detail, Failed: failed})
	})
}

// Check says why an action cannot be taken now, without taking it.
func (s *Store) Check(id string, a Action) error {
	i, err := s.Get(id)
	if err == nil {
		_, err = next(i.State, a)
	}
	return err
}

// AddEvidence records a bundle.
func (s *Store) AddEvidence(id string, b Bundle) (Incident, error) {
	return s.change(id, func(i *Incident) error {
		if len(i.Evidence) >= MaxBundle {
			return fmt.Errorf("incident %s has %d bundles of evidence, which is the limit", id, MaxBundle)
		}
		i.Evidence = append(i.Evidence, b)
		detail := fmt.Sprintf("%s, %d files, %d bytes, sha256 %s", b.Path, b.Files, b.Bytes, b.SHA256)
		return i.step(Step{Time: b.Time, By: b.By, Action: Preserve, Detail: detail, Failed: joined(b.Failed)})
	})
}

// SetAssessment records what is known of the damage; the severity only rises by
// it, unless a person set it.
func (s *Store) SetAssessment(id string, a Assessment, sev Severity) (Incident, error) {
	return s.change(id, func(i *Incident) error {
		i.Assessment = &a
		if i.SeverityBy == "clawjail" && slices.Index(Severities(), string(sev)) > slices.Index(Severities(), string(i.Severity)) {
			i.Severity = sev
		}
		return i.step(Step{Time: a.Time, By: a.By, Action: Assess, Detail: fmt.Sprintf("severity %s, %d findings", i.Severity, len(a.Findings))})
	})
}

// SetSeverity is a person's judgement.
func (s *Store) SetSeverity(id, by string, sev Severity) (Incident, error) {
	return s.change(id, func(i *Incident) error {
		i.Severity, i.SeverityBy = sev, by
		return nil
	})
}

// Decide records that a person released or killed, and why.
func (s *Store) Decide(id, by string, a Action, reason string) (Incident, error) {
	if err := needReason("a reason", reason); err != nil {
		return Incident{}, err
	}
	return s.Step(id, by, a, reason, "")
}

// Conclude closes an incident.
func (s *Store) Conclude(id, by, conclusion string) (Incident, error) {
	if err := needReason("a conclusion", conclusion); err != nil {
		return Incident{}, err
	}
	return s.change(id, func(i *Incident) error {
		i.Conclusion = conclusion
		return i.step(Step{Time: s.now().UTC().Round(0), By: by, Action: Close, Detail: conclusion})
	})
}

// Get gives an incident by its id, or by the end of it that is unique.
func (s *Store) Get(key string) (Incident, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.all[key]; i != nil {
		return i.clone(), nil
	}
	var found *Incident
	for _, i := range s.all {
		if len(key) >= 3 && len(key) < len(i.ID) && i.ID[len(i.ID)-len(key):] == key || i.Subject.Jail == key && i.State != Closed {
			if found != nil {
				return Incident{}, fmt.Errorf("%q is the end of several incidents: %s, %s", key, found.ID, i.ID)
			}
			found = i
		}
	}
	if found == nil {
		return Incident{}, fmt.Errorf("%w: %q", ErrNotFound, key)
	}
	return found.clone(), nil
}

// List gives all incidents, the newest first.
func (s *Store) List() []Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Incident, 0, len(s.all))
	for _, i := range s.all {
		out = append(out, i.clone())
	}
	slices.SortFunc(out, func(a, b Incident) int {
		return cmp.Or(b.Opened.Compare(a.Opened), cmp.Compare(b.ID, a.ID))
	})
	return out
}

// Counts gives how many incidents are in each state.
func (s *Store) Counts() map[State]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[State]int)
	for _, i := range s.all {
		out[i.State]++
	}
	return out
}

// clone gives a copy that shares nothing that is changed.
func (i *Incident) clone() Incident {
	c := *i
	c.Steps, c.Evidence, c.Played = slices.Clone(i.Steps), slices.Clone(i.Evidence), slices.Clone(i.Played)
	return c
}

func joined(list []string) string {
	var b bytes.Buffer
	for n, s := range list {
		if n > 0 {
			b.WriteString("; ")
		}
		b.WriteString(s)
	}
	return b.String()
}
