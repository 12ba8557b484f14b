package assert

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"time"
)

// Role is what a person may do. Each includes those before it.
type Role string

// The roles.
const (
	Viewer    Role = "viewer"    // sees everything
	Approver  Role = "approver"  // and decides what is held
	Responder Role = "responder" // and freezes, thaws, kills, and handles incidents
	Admin     Role = "admin"     // and keeps users
)

// Roles are all of them, from the least.
func Roles() []string {
	return []string{string(Viewer), string(Approver), string(Responder), string(Admin)}
}

// Includes reports whether whoever has r may do what takes least. Of an unknown
// role nothing is included, and it includes nothing.
func (r Role) Includes(least Role) bool {
	have, need := slices.Index(Roles(), string(r)), slices.Index(Roles(), string(least))
	return have >= 0 && need >= 0 && have >= need
}

// Action names a request: its method, and its path with the query.
func Action(method, target string) string { return method + " " + target }

// Digest is of a request's body.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// maxUsed bounds what Once remembers. It is what a gateway could ask for within
// ConsoleLife, many times over.
const maxUsed = 1 << 16

// Once lets every token id pass once.
type Once struct {
	mu    sync.Mutex
	until map[string]int64
	swept int64
}

// Use reports whether the token was not used before. Where too many are
// remembered it was.
func (o *Once) Use(c Claims, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.until == nil {
		o.until = map[string]int64{}
	}
	if t := now.Unix(); t != o.swept {
		o.swept = t
		for id, until := range o.until {
			if until < t {
				delete(o.until, id)
			}
		}
	}
	if _, used := o.until[c.ID]; used || c.ID == "" || len(o.until) >= maxUsed {
		return false
	}
	o.until[c.ID] = c.Expires
	return true
}
