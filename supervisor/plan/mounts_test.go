package plan

import (
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"clawjail/jail"
	"clawjail/policy"
)

const base = "exec: {default: audit}\nfiles:\n  - {path: \"${WORKSPACE}\", access: write, exec: true}\n"

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		what  string
		files string // more rules
		host  host
		user  jail.User
		want  []string // mounts beside the workspace
		notes []string
	}{
		{
			what:  "a directory is bound, read-only and executable",
			files: "- {path: /opt, access: read}", want: []string{"bind    /opt ro,exec"},
		},
		{
			what:  "a path below one that is shown alike needs no mount",
			files: "- {path: /opt, access: read}\n  - {path: /opt/agent, access: read}", want: []string{"bind    /opt ro,exec"},
		},
		{
			what:  "one that is shown otherwise does",
			files: "- {path: /opt, access: read}\n  - {path: /opt/agent, access: read, exec: false}",
			want:  []string{"bind    /opt ro,exec", "bind    /opt/agent ro,noexec"},
		},
		{
			what:  "a missing path that is read is left out",
			files: "- {path: /nothing, access: read}",
		},
		{
			what:  "a missing optional path is left out",
			files: "- {path: /srv/nothing, access: write, optional: true}",
		},
		{
			what:  "a missing path to be made is made by the shim",
			files: "- {path: /srv/new, access: write, create: true}", want: []string{"bind    /srv/new rw,noexec (made if missing)"},
		},
		{
			what:  "nothing is made in a home that the host does not have",
			files: "- {path: /home/agent/state, access: write, create: true}", user: jail.User{UID: 1000, GID: 7, Name: "agent", Home: "/home/agent"},
			want:  []string{"tmpfs   /home/agent/state rw,noexec 1GiB"},
			notes: []string{"/home/agent/state is gone with the jail: the home /home/agent does not exist on this host and is not made"},
		},
		{
			what:  "a writable path of somebody else is noted",
			files: "- {path: /srv/data, access: write}", want: []string{"bind    /srv/data rw,noexec"},
			notes: []string{"/srv/data belongs to uid 0 and the agent runs as uid 1000: it may not be able to write there"},
		},
		{
			what:  "root's writable path is mapped where the user stands for root",
			files: "- {path: /srv/data, access: write}", user: jail.User{UID: 7, GID: 7, Name: "agent", Home: "/home/agent", Idmap: true},
			want:  []string{"bind    /srv/data rw,noexec (owner mapped)"},
			notes: []string{"/home/ada/project belongs to uid 1000 and the agent runs as uid 7: it may not be able to write there"},
		},
		{
			what:  "a link is made as the host has it",
			files: "- {path: /usr, access: read}\n  - {path: /bin, access: read}\n  - {path: /etc/os-release, access: read}",
			want:  []string{"symlink /bin to usr/bin", "symlink /etc/os-release to ../usr/lib/os-release", "bind    /usr ro,exec"},
		},
		{
			what:  "a link to what nothing shows is made with what it leads to",
			files: "- {path: /bin, access: read}", want: []string{"symlink /bin to usr/bin", "bind    /usr/bin ro,exec"},
		},
		{
			what:  "a link on the way is made, too",
			files: "- {path: /lib/os-release, access: read}", want: []string{"symlink /lib to usr/lib", "bind    /usr/lib/os-release ro,exec"},
		},
		{
			what:  "a chain of links leads to its end",
			files: "- {path: /opt/a, access: read}", host: host{"/opt/a": symlink("b"), "/opt/b": symlink("agent")},
			want: []string{"symlink /opt/a to /opt/agent", "bind    /opt/agent ro,exec"},
		},
		{
			what:  "a guarded path in the workspace, and what keeps it in place",
			files: "- {path: \"${WORKSPACE}/.git/hooks\", access: read}",
			want:  []string{"bind    /home/ada/project/.git rw,exec", "bind    /home/ada/project/.git/hooks ro,exec"},
		},
		{
			what:  "a guarded path that is missing is noted",
			files: "- {path: \"${WORKSPACE}/.envrc\", access: read}",
			notes: []string{"/home/ada/project/.envrc does not exist yet: writing there is recorded and not prevented (files[1] (p.yaml:6))"},
		},
		{
			what:  "a guarded path below a file is missing",
			files: "- {path: \"${WORKSPACE}/.git/hooks\", access: read}", host: host{"/home/ada/project/.git": file(1000), "/home/ada/project/.git/hooks": {}, "/home/ada/project/.git/config": {}},
			notes: []string{"/home/ada/project/.git/hooks does not exist yet: writing there is recorded and not prevented (files[1] (p.yaml:6))"},
		},
		{
			what:  "a private directory",
			files: "- {path: \"${HOME}\", access: private, size: 1MiB}\n  - {path: /tmp, access: private, exec: true}\n  - {path: /dev/shm, access: private}",
			want:  []string{"tmpfs   /dev/shm rw,noexec 256MiB", "tmpfs   /home/ada rw,noexec 1MiB", "tmpfs   /tmp rw,exec 1GiB"},
		},
		{
			what:  "what is listed in a private home is shown in it",
			files: "- {path: \"${HOME}\", access: private}\n  - {path: \"${HOME}/.ssh\", access: read}",
			want:  []string{"tmpfs   /home/ada rw,noexec 1GiB", "bind    /home/ada/.ssh ro,exec"},
		},
		{
			what:  "what is hidden is masked",
			files: "- {path: /opt, access: read}\n  - {path: /opt/agent, access: none}", want: []string{"bind    /opt ro,exec", "mask    /opt/agent"},
		},
		{
			what:  "what is hidden and not shown needs no mask",
			files: "- {path: /opt/agent, access: none}",
		},
		{
			what:  "what is hidden and does not exist is noted",
			files: "- {path: \"${WORKSPACE}/.env\", access: none}",
			notes: []string{"/home/ada/project/.env does not exist: there is nothing to hide, and what the agent puts there is its own (files[1] (p.yaml:6))"},
		},
		{
			what:  "what is listed below what is hidden is shown",
			files: "- {path: /opt, access: read}\n  - {path: /opt/agent, access: none}\n  - {path: /opt/agent/bin, access: read}",
			want:  []string{"bind    /opt ro,exec", "tmpfs   /opt/agent ro,noexec 64KiB", "bind    /opt/agent/bin ro,exec"},
		},
		{
			what:  "a home that is shown hides its credentials",
			files: "- {path: \"${HOME}\", access: read}",
			want:  []string{"bind    /home/ada ro,exec", "mask    /home/ada/.aws", "mask    /home/ada/.config/gh", "mask    /home/ada/.ssh"},
			notes: []string{
				"/home/ada/.ssh is hidden: it may hold credentials and the policy does not list it by name",
				"/home/ada/.aws is hidden: it may hold credentials and the policy does not list it by name",
				"/home/ada/.config/gh is hidden: it may hold credentials and the policy does not list it by name",
			},
		},
		{
			what:  "unless they are listed by name",
			files: "- {path: /home/ada, access: read}\n  - {path: /home/ada/.ssh, access: read}\n  - {path: /home/ada/.aws, access: read}\n  - {path: /home/ada/.config/gh, access: read}",
			want:  []string{"bind    /home/ada ro,exec"},
		},
		{
			what:  "clawjail's own state is hidden below any tree",
			files: "- {path: /run, access: read}\n  - {path: /var, access: read}",
			want:  []string{"bind    /run ro,exec", "mask    /run/clawjail", "bind    /var ro,exec", "mask    /var/lib/clawjail"},
		},
		{
			what:  "a home below a link",
			files: "- {path: \"${HOME}\", access: private}", host: host{"/home": symlink("/data/home"), "/data/home/ada/project": dir(1000)},
			user: jail.User{UID: 1000, GID: 1000, Name: "ada", Home: "/home/ada"},
			want: []string{"tmpfs   /data/home/ada rw,noexec 1GiB", "symlink /home to /data/home"},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			h := debian().with(c.host)
			for p, e := range c.host {
				if e == (entry{}) { // taken away
					delete(h, p)
				}
			}
			r := run(h)
			if c.user.UID != 0 {
				r.User = c.user
			}
			workspace := "bind    /home/ada/project rw,exec"
			p := parse(t, base+"  "+c.files+"\n")
			if _, moved := c.host["/home"]; moved {
				for _, gone := range []string{"/home/ada", "/home/ada/project", "/home/ada/project/.git/config", "/home/ada/project/.git/hooks",
					"/home/ada/.gitconfig", "/home/ada/.local/bin", "/home/ada/.ssh/id_ed25519", "/home/ada/.aws", "/home/ada/.config/gh"} {
					delete(h, gone)
				}
				r.Workspace = "/data/home/ada/project"
				p.Files[0].Path = r.Workspace
				workspace = "bind    /data/home/ada/project rw,exec"
			}
			out := lower(t, p, r)
			got := slices.DeleteFunc(mountsOf(out), func(s string) bool { return s == workspace })
			if d := cmp.Diff(c.want, slices.Clip(got), cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(strings.Join(c.notes, "\n"), strings.Join(out.Notes, "\n")); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRefusedFiles(t *testing.T) {
	for _, c := range []struct {
		what, files, want string
		host              host
	}{
		{
			what:  "a missing writable path",
			files: "- {path: /srv/new, access: write}",
			want:  `path "/srv/new" (files[1] (p.yaml:6)) does not exist; make it: mkdir -p /srv/new (or give the rule create: true, or optional: true)`,
		},
		{
			what:  "two missing ones, both said",
			files: "- {path: /srv/a, access: write}\n  - {path: /srv/b, access: write}",
			want:  "mkdir -p /srv/b",
		},
		{
			what:  "a device",
			files: "- {path: /srv/null, access: read}", host: host{"/srv/null": device()},
			want: `path "/srv/null" (files[1] (p.yaml:6)) is neither a file nor a directory`,
		},
		{
			what:  "a writable link to the system",
			files: "- {path: /srv/x, access: write}", host: host{"/srv/x": symlink("/etc")},
			want: `path "/srv/x" (files[1] (p.yaml:6)) leads elsewhere: "/etc" is part of the system`,
		},
		{
			what:  "a link to clawjail's own state",
			files: "- {path: /srv/x, access: read}", host: host{"/srv/x": symlink("/run/clawjail")},
			want: "is clawjail's own and never shown",
		},
		{
			what:  "a link that the agent may have made",
			files: "- {path: \"${WORKSPACE}/.git/hooks\", access: read}", host: host{"/home/ada/project/.git/hooks": symlink("/home/ada/.ssh")},
			want: `leads to "/home/ada/.ssh" by a symbolic link in "/home/ada/project", where the agent writes; remove the link or the rule`,
		},
		{
			what:  "a link on the way that the agent may have made",
			files: "- {path: \"${WORKSPACE}/.git/hooks\", access: read}", host: host{"/home/ada/project/.git": symlink("/srv/data"), "/srv/data/hooks": dir(0), "/home/ada/project/.git/hooks": {}, "/home/ada/project/.git/config": {}},
			want: `leads to "/srv/data/hooks" by a symbolic link`,
		},
		{
			what:  "a link to another place in the workspace",
			files: "- {path: \"${WORKSPACE}/.git/hooks\", access: read}", host: host{"/home/ada/project/.git/hooks": symlink("../src"), "/home/ada/project/src": dir(1000)},
			want: "by a symbolic link",
		},
		{
			what:  "a dangling link that the agent may have made",
			files: "- {path: \"${WORKSPACE}/new\", access: write, create: true}", host: host{"/home/ada/project/new": symlink("/srv/none")},
			want: "",
		},
		{
			what:  "a loop of links",
			files: "- {path: /srv/l, access: read}", host: host{"/srv/l": symlink("l")},
			want: `path "/srv/l" (files[1] (p.yaml:6)): open /srv/l: too many levels of symbolic links`,
		},
		{
			what:  "one file by two paths with different rules",
			files: "- {path: /srv/data, access: read}\n  - {path: /srv/other, access: write}", host: host{"/srv/other": symlink("data")},
			want: "are the same file, and the rules differ",
		},
		{
			what:  "a private directory where no mount point can be made",
			files: "- {path: /opt, access: read}\n  - {path: /opt/cache, access: private}",
			want:  `path "/opt/cache" (files[2] (p.yaml:7)) does not exist, and lies in "/opt", where clawjail makes nothing`,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			h := debian().with(c.host)
			for p, e := range c.host {
				if e == (entry{}) {
					delete(h, p)
				}
			}
			out, err := Lower(parse(t, base+"  "+c.files+"\n"), run(h))
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || len(out.Jail.Mounts) != 0 {
				t.Errorf("%v", err)
			}
		})
	}
}

// What the caller may not even look at is hidden all the same.
func TestHiddenWithoutBeingSeen(t *testing.T) {
	p := parse(t, base+"  - {path: /run, access: read}\n  - {path: /opt, access: read}\n  - {path: /opt/agent, access: none}\n")
	r := run(debian())
	stat := r.Stat
	r.Stat = func(p string) (FileFact, error) {
		if p == "/run/clawjail" || p == "/opt/agent" {
			return FileFact{}, &fs.PathError{Op: "open", Path: p, Err: syscall.EACCES}
		}
		return stat(p)
	}
	want := []string{"bind    /home/ada/project rw,exec", "bind    /opt ro,exec", "mask    /opt/agent", "bind    /run ro,exec", "mask    /run/clawjail"}
	if d := cmp.Diff(want, mountsOf(lower(t, p, r))); d != "" {
		t.Error(d)
	}
}

// Whatever a policy lists, no mount shows clawjail's own state, makes the
// system writable or is listed twice, and what Landlock lets be written some
// mount makes writable.
func TestPlansKeepTheirPromises(t *testing.T) {
	paths := []string{"/opt", "/opt/agent", "/var", "/var/lib", "/run", "/home/ada", "/home/ada/.ssh", "/home/ada/.config", "/srv", "/srv/data", "/usr", "/bin", "/lib", "/tmp", "/home/ada/project/.git", "/home/ada/project/.git/hooks", "/nothing"}
	rapid.Check(t, func(t *rapid.T) {
		p := &policy.Policy{Version: 1, Name: "x", Limits: policy.DefaultLimits(), Approval: policy.DefaultApproval(),
			Files: []policy.File{{Path: "/home/ada/project", Access: policy.AccessWrite, Write: policy.Allow}}}
		for _, path := range rapid.SliceOfDistinct(rapid.SampledFrom(paths), rapid.ID).Draw(t, "paths") {
			f := policy.File{Path: path, Access: policy.Access(rapid.Uint8Range(0, 3).Draw(t, "access"))}
			if f.Access == policy.AccessWrite || f.Access == policy.AccessPrivate {
				f.Write = policy.Allow
			}
			if policy.CheckShown(f.Path, f.Access) == nil {
				p.Files = append(p.Files, f)
			}
		}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		out, err := Lower(p, run(debian()))
		if err != nil {
			return // refused with words
		}
		checkPromises(t, out)
	})
}

func checkPromises(t *rapid.T, out Plan) {
	under := func(path string) jail.Mount {
		var best jail.Mount
		for _, m := range out.Jail.Mounts {
			if policy.Below(path, m.Target) && len(m.Target) >= len(best.Target) {
				best = m
			}
		}
		return best
	}
	for _, own := range []string{"/run/clawjail/control.sock", "/var/lib/clawjail/x", "/home/ada/.aws/credentials"} {
		if m := under(own); m.Kind == jail.Bind {
			t.Fatalf("%s is shown by %+v", own, m)
		}
	}
	seen := map[string]bool{}
	for _, m := range out.Jail.Mounts {
		if m.Kind == jail.Bind && m.Write && policy.CheckWritable(m.Target) != nil {
			t.Fatalf("%+v is writable", m)
		}
		if seen[m.Target] {
			t.Fatalf("%s has two mounts", m.Target)
		}
		seen[m.Target] = true
	}
	for _, r := range out.Jail.Landlock {
		if m := under(r.Path); r.Write && !m.Write && r.Path != "/dev" && r.Path != "/tmp" {
			t.Fatalf("Landlock lets %s be written, the mount is %+v", r.Path, m)
		}
	}
}
