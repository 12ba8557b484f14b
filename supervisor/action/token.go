package action

import (
	"crypto/rand"
	"encoding/base32"
	"slices"
	"strings"
	"time"
)

// token is an action that was let through.
type token struct {
	id      string
	kind    string // the type of the action
	target  string // what the action was said to be about
	uses    int64  // connections that it is still good for
	expires time.Duration
	over    string // outcome, once it was reported
}

// keptTokens is how long a token is known after its end, so that a late report
// hears why it is late.
const keptTokens = 10 * time.Minute

// mint makes a token; false when the jail has too many.
func (j *jail) mint(kind, target string, uses int64, window time.Duration) (*token, bool) {
	now, err := j.s.o.Boot()
	if err != nil {
		return nil, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tokens = slices.DeleteFunc(j.tokens, func(t *token) bool {
		return now >= t.expires+keptTokens || t.over != "" && len(j.tokens) >= MaxTokens
	})
	if len(j.tokens) >= MaxTokens {
		return nil, false
	}
	t := &token{id: randomID(), kind: kind, target: target, uses: uses, expires: now + window}
	j.tokens = append(j.tokens, t)
	return t, true
}

// randomID is 128 random bits.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand since Go 1.24
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

// anyTarget has spend take a token whatever it is about.
const anyTarget = ""

// spend takes one use of the token of a type, about one target or any, that ends
// first.
func (j *jail) spend(kind, target string) (id string, ok bool) {
	now, err := j.s.o.Boot()
	if err != nil {
		return "", false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var best *token
	for _, t := range j.tokens {
		if t.kind == kind && (target == anyTarget || t.target == target) && t.uses > 0 && now < t.expires && t.over == "" && (best == nil || t.expires < best.expires) {
			best = t
		}
	}
	if best == nil {
		return "", false
	}
	best.uses--
	return best.id, true
}

// finish ends a token by its report, or says why it cannot.
func (j *jail) finish(id, outcome string) (kind, problem string) {
	now, err := j.s.o.Boot()
	if err != nil {
		return "", "the time cannot be told: " + err.Error()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.tokens, func(t *token) bool { return t.id == id })
	switch {
	case i < 0:
		return "", "no action of this jail has that token, or it ended long ago"
	case j.tokens[i].over != "":
		return "", "the action was reported already: " + j.tokens[i].over
	}
	t := j.tokens[i]
	t.over, t.uses = outcome, 0
	if now >= t.expires {
		return t.kind, "the token had expired; the report is on record"
	}
	return t.kind, ""
}
