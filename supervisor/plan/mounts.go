package plan

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"clawjail/jail"
	"clawjail/policy"
)

// rule is a file rule placed on this host.
type rule struct {
	policy.File
	// real is Path with the links of the host resolved, as far as it exists.
	real string
	fact FileFact
	// exists says that the host has it.
	exists bool
	// shown says that the jail has it.
	shown bool
}

// files turns the policy's files into mounts.
func (l *lowering) files() {
	for _, f := range l.p.Files {
		if r, ok := l.placed(f); ok {
			l.rules = append(l.rules, r)
		}
	}
	// Parents first, so that each rule knows what shows it already.
	slices.SortStableFunc(l.rules, func(a, b rule) int { return strings.Compare(a.real, b.real) })
	for i := range l.rules {
		l.rules[i].shown = l.mount(l.rules[i])
	}
	for _, r := range l.rules {
		if r.Path != r.real && r.Access != policy.AccessNone && (r.exists || r.shown) {
			l.links(r.Path)
		}
	}
	l.hide()
	slices.SortStableFunc(l.mounts, func(a, b jail.Mount) int { return strings.Compare(a.Target, b.Target) })
}

// placed looks a rule's path up on the host.
func (l *lowering) placed(f policy.File) (rule, bool) {
	r := rule{File: f, real: f.Path}
	fact, err := l.r.Stat(f.Path)
	switch {
	case err == nil:
		r.fact, r.real, r.exists = fact, fact.Real, true
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		r.real = l.realOfMissing(f.Path)
	case f.Access == policy.AccessNone:
		r.exists = true // it can be hidden without being seen
	default:
		l.fail("path %q (%s): %v", f.Path, f.Origin, err)
		return r, false
	}
	if r.real == f.Path {
		return r, true
	}
	// The way there goes through a link. Where an agent may have put that link,
	// it decides nothing.
	if tree, ok := l.writtenAbove(f.Path); ok && !l.sameTree(tree, f.Path, r.real) {
		l.fail("path %q (%s) leads to %q by a symbolic link in %q, where the agent writes; remove the link or the rule", f.Path, f.Origin, r.real, tree)
		return r, false
	}
	if err := policy.CheckShown(r.real, f.Access); err != nil {
		l.fail("path %q (%s) leads elsewhere: %v", f.Path, f.Origin, err)
		return r, false
	}
	return r, true
}

// sameTree reports whether path and real differ only by links above tree,
// which the agent cannot change.
func (l *lowering) sameTree(tree, path, real string) bool {
	fact, err := l.r.Stat(tree)
	return err == nil && fact.Real+strings.TrimPrefix(path, tree) == real
}

// realOfMissing resolves the part of a path that exists and can be looked at.
func (l *lowering) realOfMissing(p string) string {
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if fact, err := l.r.Stat(dir); err == nil {
			return path.Join(fact.Real, strings.TrimPrefix(p, dir))
		}
		if dir == "/" {
			return p
		}
	}
}

// writtenAbove gives the writable tree of the policy that a path lies in.
func (l *lowering) writtenAbove(p string) (string, bool) {
	best := ""
	for _, f := range l.p.Files {
		if f.Access == policy.AccessWrite && f.Path != p && policy.Below(p, f.Path) && len(f.Path) > len(best) {
			best = f.Path
		}
	}
	return best, best != ""
}

// above gives the rule, placed already, that shows what is around real.
func (l *lowering) above(real string) (rule, bool) {
	var best rule
	for _, r := range l.rules {
		if r.shown && r.real != real && policy.Below(real, r.real) && len(r.real) > len(best.real) {
			best = r
		}
	}
	return best, best.real != ""
}

// mount makes the mount of one rule and reports whether the jail has its path.
func (l *lowering) mount(r rule) bool {
	if i := slices.IndexFunc(l.rules, func(o rule) bool { return o.real == r.real }); l.rules[i].Path != r.Path && l.rules[i].shown {
		return l.same(r, l.rules[i])
	}
	switch r.Access {
	case policy.AccessNone: // hide does it
		if above, inside := l.above(r.real); inside && !r.exists && above.Access == policy.AccessWrite {
			l.loose[r.Path] = true
			l.note("%s does not exist: there is nothing to hide, and what the agent puts there is its own (%s)", r.Path, r.Origin)
		}
		return false
	case policy.AccessPrivate:
		return l.private(r)
	case policy.AccessRead:
		return l.read(r)
	default:
		return l.write(r)
	}
}

// same settles two rules that name one file by different paths.
func (l *lowering) same(r, first rule) bool {
	if r.Access != first.Access || r.Exec != first.Exec {
		l.fail("paths %q (%s) and %q (%s) are the same file, and the rules differ; list %q once",
			first.Path, first.Origin, r.Path, r.Origin, r.real)
	}
	return false
}

func (l *lowering) add(m jail.Mount) { l.mounts = append(l.mounts, m) }

func (l *lowering) private(r rule) bool {
	size := r.SizeBytes
	if size == 0 {
		size = l.p.Limits.TmpBytes
	}
	if r.real == "/dev/shm" && r.SizeBytes == 0 {
		size = l.p.Limits.ShmBytes
	}
	mode := uint32(0o700)
	if r.real == "/tmp" || r.real == "/dev/shm" || r.real == "/var/tmp" {
		mode = 0o1777
	}
	if above, ok := l.above(r.real); ok && above.Access != policy.AccessPrivate && !r.exists {
		l.fail("path %q (%s) does not exist, and lies in %q, where clawjail makes nothing; make it: mkdir -p %s",
			r.Path, r.Origin, above.Path, shellQuote(r.Path))
		return false
	}
	l.add(jail.Mount{Kind: jail.Tmpfs, Target: r.real, Write: true, Exec: r.Exec, SizeBytes: size, Mode: mode})
	return true
}

func (l *lowering) read(r rule) bool {
	above, inside := l.above(r.real)
	guard := inside && above.Access == policy.AccessWrite
	switch {
	case !r.exists && guard:
		l.loose[r.Path] = true
		l.note("%s does not exist yet: writing there is recorded and not prevented (%s)", r.Path, r.Origin)
		return false
	case !r.exists:
		l.missing = append(l.missing, r.Path)
		return false
	case r.fact.Kind == KindOther:
		l.fail("path %q (%s) is neither a file nor a directory", r.Path, r.Origin)
		return false
	}
	// A link leads to what another rule shows: that rule decides about it.
	alike := above.Exec == r.Exec || r.Path != r.real
	if inside && above.Access == policy.AccessRead && alike && !l.hiddenBetween(above.real, r.real) {
		return true // shown by the rule above
	}
	if guard {
		l.pin(above, r)
	}
	l.add(jail.Mount{Kind: jail.Bind, Source: r.real, Target: r.real, Exec: r.Exec})
	return true
}

// pin makes every directory between a writable tree and a guarded path a mount
// point, so that none of them can be renamed away.
func (l *lowering) pin(tree, guarded rule) {
	for dir := path.Dir(guarded.real); dir != tree.real && policy.Below(dir, tree.real); dir = path.Dir(dir) {
		taken := slices.ContainsFunc(l.mounts, func(m jail.Mount) bool { return m.Target == dir }) ||
			slices.ContainsFunc(l.rules, func(o rule) bool { return o.real == dir })
		if !taken {
			l.add(jail.Mount{Kind: jail.Bind, Source: dir, Target: dir, Write: true, Exec: tree.Exec, Idmap: l.idmap(tree)})
		}
	}
}

// idmap says that a writable tree is root's and is to be shown as the user's.
func (l *lowering) idmap(r rule) bool { return l.r.User.Idmap && r.fact.UID == 0 }

func (l *lowering) write(r rule) bool {
	create := false
	switch {
	case r.exists && r.fact.Kind == KindOther:
		l.fail("path %q (%s) is neither a file nor a directory", r.Path, r.Origin)
		return false
	case r.exists:
	case r.Create && l.homeless(r):
		l.note("%s is gone with the jail: the home %s does not exist on this host and is not made", r.Path, l.r.User.Home)
		l.add(jail.Mount{Kind: jail.Tmpfs, Target: r.real, Write: true, Exec: r.Exec, SizeBytes: l.p.Limits.TmpBytes, Mode: 0o700})
		return true
	case r.Create:
		if create = l.mayCreate(r); !create {
			return false
		}
	case r.Optional:
		l.missing = append(l.missing, r.Path)
		return false
	default:
		l.fail("path %q (%s) does not exist; make it: mkdir -p %s (or give the rule create: true, or optional: true)", r.Path, r.Origin, shellQuote(r.Path))
		return false
	}
	if err := policy.CheckWritable(r.real); err != nil {
		l.fail("path %q (%s): %v", r.Path, r.Origin, err)
		return false
	}
	l.ownership(r)
	l.add(jail.Mount{Kind: jail.Bind, Source: r.real, Target: r.real, Write: true, Exec: r.Exec, Idmap: l.idmap(r), Create: create})
	return true
}

// homeless reports whether a path to be made lies in a home that the host does
// not have. Several users without an account share such a home by name, so
// nothing of one is left there for the next.
func (l *lowering) homeless(r rule) bool {
	_, err := l.r.Stat(l.r.User.Home)
	return errors.Is(err, fs.ErrNotExist) && policy.Below(r.Path, l.r.User.Home)
}

// mayCreate reports whether the caller may have root make a directory: root
// makes it as the user's own wherever it is told to.
func (l *lowering) mayCreate(r rule) bool {
	if l.r.caller == 0 {
		return true
	}
	for dir := path.Dir(r.real); ; dir = path.Dir(dir) {
		fact, err := l.r.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) && dir != "/" {
			continue
		}
		if err == nil && fact.UID == l.r.caller {
			return true
		}
		l.fail("path %q (%s) cannot be made for you: %q is not yours", r.Path, r.Origin, dir)
		return false
	}
}

// ownership notes a writable path that the user has no right to write.
func (l *lowering) ownership(r rule) {
	u := l.r.User
	if !r.exists || r.fact.UID == u.UID || l.idmap(r) || r.fact.Mode&0o022 != 0 {
		return
	}
	l.note("%s belongs to uid %d and the agent runs as uid %d: it may not be able to write there", r.Path, r.fact.UID, u.UID)
}

// links makes the symbolic links that lead to a path, as the host has them.
func (l *lowering) links(p string) {
	dir := "/"
	for _, part := range strings.Split(strings.Trim(p, "/"), "/") {
		at := path.Join(dir, part)
		fact, err := l.r.Stat(at)
		if err != nil {
			return
		}
		if fact.Link != "" {
			l.link(at, fact)
		}
		dir = fact.Real
	}
}

func (l *lowering) link(at string, fact FileFact) {
	if slices.ContainsFunc(l.mounts, func(m jail.Mount) bool { return m.Target == at }) {
		return
	}
	if above, ok := l.above(at); ok && above.Access != policy.AccessPrivate {
		return // the bind above shows the host's own link
	}
	text := fact.Link
	to := text
	if !path.IsAbs(to) {
		to = path.Join(path.Dir(at), to)
	}
	if to != fact.Real {
		text = fact.Real // a chain of links: what is between is not in the jail
	}
	l.add(jail.Mount{Kind: jail.Symlink, Source: text, Target: at})
}

// hide masks what stays hidden below a tree that is shown.
func (l *lowering) hide() {
	for _, r := range l.rules {
		if r.Access == policy.AccessNone {
			l.mask(r.real, "")
		}
	}
	for _, dir := range policy.Hidden() {
		l.mask(dir, "")
	}
	if !l.homeIsShown() {
		return
	}
	for _, name := range policy.Credentials() {
		p := path.Join(l.r.User.Home, name)
		listed := slices.ContainsFunc(l.rules, func(r rule) bool { return r.Path == p || r.real == p })
		if !listed {
			l.mask(p, "it may hold credentials and the policy does not list it by name")
		}
	}
}

// hidden lists every path that hide may mask.
func (l *lowering) hidden() []string {
	out := policy.Hidden()
	for _, r := range l.rules {
		if r.Access == policy.AccessNone {
			out = append(out, r.real)
		}
	}
	for _, name := range policy.Credentials() {
		out = append(out, path.Join(l.r.User.Home, name))
	}
	return out
}

// hiddenBetween reports whether something that is hidden lies on the way from
// a tree to a path in it, which then needs a mount of its own.
func (l *lowering) hiddenBetween(tree, p string) bool {
	return slices.ContainsFunc(l.hidden(), func(h string) bool {
		return h != p && policy.Below(p, h) && policy.Below(h, tree)
	})
}

// homeIsShown reports whether a rule shows the home directory, or a part of
// it, from the host.
func (l *lowering) homeIsShown() bool {
	home := l.r.User.Home
	if fact, err := l.r.Stat(home); err == nil {
		home = fact.Real
	}
	return slices.ContainsFunc(l.rules, func(r rule) bool {
		return r.shown && r.Access != policy.AccessPrivate && (policy.Below(home, r.real) || policy.Below(r.real, home))
	})
}

// mask covers a path that exists and that some rule shows. why, if any, is
// told to the operator.
func (l *lowering) mask(p, why string) {
	fact, err := l.r.Stat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return // nothing there to hide
	case err != nil:
		fact.Real = l.realOfMissing(p) // closed to the caller, and to be hidden all the same
	}
	above, ok := l.above(fact.Real)
	if !ok || above.Access == policy.AccessPrivate {
		return // nothing shows it
	}
	if slices.ContainsFunc(l.mounts, func(m jail.Mount) bool { return m.Target == fact.Real }) {
		return
	}
	if why != "" {
		l.note("%s is hidden: %s", p, why)
	}
	inside := slices.ContainsFunc(l.rules, func(r rule) bool {
		return r.Access != policy.AccessNone && r.real != fact.Real && policy.Below(r.real, fact.Real)
	})
	if inside { // a mask has no room for the mount points of what is listed below
		l.add(jail.Mount{Kind: jail.Tmpfs, Target: fact.Real, SizeBytes: hiddenBytes, Mode: 0o555})
		return
	}
	l.add(jail.Mount{Kind: jail.Mask, Target: fact.Real})
}

// hiddenBytes is the size of the file system that covers a hidden directory
// with something listed below it: room for mount points.
const hiddenBytes = 64 << 10

// landlock makes the Landlock rules of the mounts.
func (l *lowering) landlock() []jail.PathRule {
	out := []jail.PathRule{{Path: "/", Dir: true}, {Path: "/dev", Write: true, Dir: true}}
	tmp := false
	for _, m := range l.mounts {
		if m.Kind != jail.Bind && m.Kind != jail.Tmpfs || !m.Write && !m.Exec {
			continue
		}
		tmp = tmp || m.Target == "/tmp"
		dir := m.Kind == jail.Tmpfs || m.Create
		if !dir {
			fact, err := l.r.Stat(m.Source)
			dir = err == nil && fact.Kind == KindDir
		}
		out = append(out, jail.PathRule{Path: m.Target, Write: m.Write, Exec: m.Exec, Dir: dir})
	}
	if !tmp { // every jail has one
		out = append(out, jail.PathRule{Path: "/tmp", Write: true, Dir: true})
	}
	return out
}
