package supervisor

import (
	"strings"
	"sync"
	"sync/atomic"

	"clawjail/audit"
	"clawjail/policy"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/api"
)

// jailView is what the judge needs to know of a jail. policy, name and home are
// set before the view is published and constant afterwards; the counters are
// atomic.
type jailView struct {
	id, name string
	policy   *policy.Policy
	home     string

	traps       atomic.Bool // calls are held
	gated       atomic.Bool // the gate judges executions
	permissions sync.Map    // pid to permission, until the execution is seen
	files       givenFiles
	deleting    sync.Mutex // held while a deletion is counted and done
	held        heldConns

	execs, writes, deletes, connections, refused, lost atomic.Uint64
}

func newJailView(id string) *jailView { return &jailView{id: id} }

func (v *jailView) counts() api.Counts {
	return api.Counts{Execs: v.execs.Load(), Writes: v.writes.Load(), Deletes: v.deletes.Load(),
		Connections: v.connections.Load(), Refused: v.refused.Load(), Lost: v.lost.Load()}
}

// restore goes on counting where a former supervisor was.
func (v *jailView) restore(c api.Counts) {
	v.execs.Store(c.Execs)
	v.writes.Store(c.Writes)
	v.deletes.Store(c.Deletes)
	v.connections.Store(c.Connections)
	v.refused.Store(c.Refused)
	v.lost.Store(c.Lost)
}

// credential reports whether a path is where the user keeps keys on the host.
// A private home has none of them, and whoever looks for them is worth knowing.
func (v *jailView) credential(path string) bool {
	rest, ok := strings.CutPrefix(path, v.home+"/")
	if !ok || v.home == "" {
		return false
	}
	for _, c := range policy.Credentials() {
		if rest == c || strings.HasPrefix(rest, c+"/") {
			return true
		}
	}
	return false
}

// permission is why the gate let an execution go on, where the probes cannot
// know that from what they see.
type permission struct {
	by         *audit.Decision // a human's
	verdict    policy.Verdict
	rule, hash string
}

// permitted remembers why a process may execute something.
func (v *jailView) permitted(pid int32, p permission) { v.permissions.Store(pid, p) }

// permission takes that back out, when the execution is seen.
func (v *jailView) permission(pid int32) (permission, bool) {
	x, ok := v.permissions.LoadAndDelete(pid)
	if !ok {
		return permission{}, false
	}
	p, ok := x.(permission)
	return p, ok
}

// maxGiven bounds the files of one jail that are remembered as opened by the
// gate. Beyond it the oldest are forgotten, and what happens to them is judged
// by the name that the probes see.
const maxGiven = 1024

// fileKey is what the kernel knows a file by.
type fileKey struct{ dev, ino uint64 }

// givenFile is a file that the gate opened for a process.
type givenFile struct {
	path string
	by   *audit.Decision
}

type givenFiles struct {
	mu    sync.Mutex
	files map[fileKey]givenFile
	order []fileKey // oldest first
}

// opened remembers a file that the gate is about to hand over: the probes see
// it under the name that it has in a mount that is attached nowhere.
func (v *jailView) opened(id tracee.Identity, path string, by *audit.Decision) {
	g := &v.files
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.files == nil {
		g.files = map[fileKey]givenFile{}
	}
	key := fileKey{id.Dev, id.Ino}
	if _, known := g.files[key]; !known {
		if len(g.order) >= maxGiven {
			delete(g.files, g.order[0])
			g.order = g.order[1:]
		}
		g.order = append(g.order, key)
	}
	g.files[key] = givenFile{path: path, by: by}
}

// given looks such a file up.
func (v *jailView) given(dev, ino uint64) (path string, by *audit.Decision, ok bool) {
	v.files.mu.Lock()
	defer v.files.mu.Unlock()
	f, ok := v.files.files[fileKey{dev, ino}]
	return f.path, f.by, ok
}
