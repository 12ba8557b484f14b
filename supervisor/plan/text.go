package plan

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"clawjail/jail"
	"clawjail/jail/egress"
	"clawjail/policy"
)

// Text is the plan for people: one line a fact, in a fixed order, everything
// quoted that came from outside.
func (p Plan) Text() string {
	var b strings.Builder
	section := func(name string, lines []string) {
		fmt.Fprintf(&b, "%s\n", name)
		for _, line := range lines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	s := p.Jail
	section("jail", p.jailLines())
	section("mounts", mountLines(s.Mounts))
	section("missing on this host, left out", quoted(p.Missing))
	section("landlock", landlockLines(s))
	section("limits", limitLines(s.Limits))
	section("environment", envLines(s.Env))
	section("egress", p.egressLines())
	section("probes", p.probeLines())
	section("exec", p.execLines())
	section("changes", p.changeLines())
	section("seccomp", strings.Split(strings.TrimSuffix(s.Seccomp.Text(), "\n"), "\n"))
	section("notes", p.Notes)
	return b.String()
}

func quoted(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quote(s)
	}
	return out
}

// quote leaves plain text alone and makes anything else visible.
func quote(s string) string {
	if s != "" && fmt.Sprintf("%q", s) == `"`+s+`"` && !strings.Contains(s, " ") {
		return s
	}
	return fmt.Sprintf("%q", s)
}

func (p Plan) jailLines() []string {
	s := p.Jail
	ns := "pid mount network ipc uts cgroup"
	if s.UserNS {
		ns += " user"
	}
	out := []string{
		"command " + strings.Join(quoted(s.Argv), " "),
		"directory " + quote(s.Cwd),
		fmt.Sprintf("user %s uid %d gid %d home %s", quote(s.User.Name), s.User.UID, s.User.GID, quote(s.User.Home)),
		"namespaces " + ns,
		"tier " + p.Tier,
	}
	if s.User.Idmap {
		out = append(out, "root's files in writable trees are shown as the user's")
	}
	return out
}

func mountLines(mounts []jail.Mount) []string {
	out := make([]string, 0, len(mounts))
	for _, m := range mounts {
		line := fmt.Sprintf("%-7s %s", m.Kind, quote(m.Target))
		switch m.Kind {
		case jail.Bind:
			line += flags(m)
			if m.Source != m.Target {
				line += " from " + quote(m.Source)
			}
			if m.Create {
				line += " (made if missing)"
			}
			if m.Idmap {
				line += " (owner mapped)"
			}
		case jail.Tmpfs:
			line += flags(m) + " " + policy.Size(m.SizeBytes)
		case jail.Symlink:
			line += " to " + quote(m.Source)
		case jail.File:
			line += fmt.Sprintf(" %d bytes", len(m.Content))
		}
		out = append(out, line)
	}
	return out
}

func flags(m jail.Mount) string {
	out := " ro"
	if m.Write {
		out = " rw"
	}
	if m.Exec {
		return out + ",exec"
	}
	return out + ",noexec"
}

func landlockLines(s jail.Spec) []string {
	out := []string{fmt.Sprintf("abi %d", s.LandlockABI)}
	for _, r := range s.Landlock {
		rights := "read"
		if r.Write {
			rights += " write"
		}
		if r.Exec {
			rights += " exec"
		}
		out = append(out, fmt.Sprintf("%s: %s", quote(r.Path), rights))
	}
	return out
}

func limitLines(l jail.Limits) []string {
	return []string{
		"memory " + policy.Size(l.MemoryBytes) + ", no swap",
		fmt.Sprintf("cpus %g", l.CPUs),
		fmt.Sprintf("pids %d", l.Pids),
		fmt.Sprintf("open files %d", l.OpenFiles),
		"file size " + policy.Size(l.FileSizeBytes),
		"locked memory " + policy.Size(l.MemlockBytes),
		"wall clock " + l.Wall.Round(time.Second).String(),
		"tmp " + policy.Size(l.TmpBytes),
		"shm " + policy.Size(l.ShmBytes),
		"core dumps none",
	}
}

// envLines names the variables. Values are shown where every jail has them:
// others may be secrets, and the text of a plan ends in tickets.
func envLines(env []string) []string {
	out := make([]string, 0, len(env))
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TZ", "TMPDIR", "PWD":
			out = append(out, quote(name)+"="+quote(value))
		default:
			out = append(out, fmt.Sprintf("%s=… (%d bytes)", quote(name), len(value)))
		}
	}
	return out
}

func (p Plan) egressLines() []string {
	out := []string{
		fmt.Sprintf("names get addresses of %s and %s", p.Egress.VirtualV4, p.Egress.VirtualV6),
		fmt.Sprintf("resolvers %s and %s in the jail", p.Jail.Resolver4, p.Jail.Resolver6),
	}
	if p.Egress.AllowPrivate {
		out = append(out, "private addresses allowed")
	} else {
		out = append(out, "private addresses refused")
	}
	for _, d := range p.Egress.Dests {
		port, protocol := "any port", "tls or http with that name"
		if d.Port != 0 {
			port = fmt.Sprintf("port %d", d.Port)
		}
		if d.Protocol != "" {
			protocol = d.Protocol
		}
		if d.Then == egress.ThenDeny {
			out = append(out, fmt.Sprintf("deny %s %s: %s", quote(d.Host), port, d.Rule))
			continue
		}
		verb := "allow"
		if d.Then == egress.ThenAsk {
			verb = "ask for"
		}
		out = append(out, fmt.Sprintf("%s %s %s, %s: %s", verb, quote(d.Host), port, protocol, d.Rule))
	}
	if p.Egress.AskDefault {
		out = append(out, "ask for any other public name, any port, tls or http with that name: "+p.Egress.AskRule)
	}
	return append(out, "anything else refused")
}

func (p Plan) probeLines() []string {
	out := []string{
		"connect: loopback of the jail",
		fmt.Sprintf("connect: %s and %s, taken to egress", p.Probe.VirtualV4, p.Probe.VirtualV6),
	}
	for _, a := range p.Probe.AllowUDPDNS {
		out = append(out, fmt.Sprintf("send: %s, dns", a))
	}
	for _, a := range p.Probe.AllowAddrs {
		out = append(out, "connect: "+addrText(a))
	}
	return append(out, "connect, send: anything else EPERM")
}

func addrText(a netip.AddrPort) string {
	if a.Port() == 0 {
		return a.Addr().String() + " any port"
	}
	return a.String()
}

// execLines shows what the policy's rules on programs are on this host.
func (p Plan) execLines() []string {
	if p.Policy == nil {
		return nil
	}
	var out []string
	for _, r := range p.Policy.Exec.Rules {
		line := r.Origin.Word(r.Then)
		if len(r.Run) > 0 {
			line += " " + strings.Join(quoted(r.Run), " ")
		}
		if r.SHA256 != "" {
			line += " sha256 " + r.SHA256
		}
		if r.Args != nil {
			line += " args [" + strings.Join(quoted(r.Args), " ") + "]"
		}
		out = append(out, line+": "+r.Origin.String())
		for _, b := range r.Bound {
			out = append(out, fmt.Sprintf("  %s is %s here", quote(b.Name), quote(b.Path)))
		}
	}
	return append(out, "otherwise "+p.Policy.Exec.Origin.Word(p.Policy.Exec.Default))
}

// changeLines shows what the gate does about changes of files and deletions, and
// how it answers.
func (p Plan) changeLines() []string {
	if p.Policy == nil {
		return nil
	}
	var out []string
	for _, f := range p.Policy.Files {
		if plain := f.Write == policy.Allow || f.Write == policy.Deny; !plain || f.Origin.Category != policy.NoCategory {
			out = append(out, fmt.Sprintf("%s writing below %s: %s", f.Origin.Word(f.Write), quote(f.Path), f.Origin))
		}
	}
	if d := p.Policy.Delete; d.Limit != 0 {
		out = append(out, fmt.Sprintf("deletions beyond %d per %s: %s: %s", d.Limit, policy.Duration(d.Per), d.Origin.Word(d.Over), d.Origin))
	}
	out = append(out, "questions denied after "+policy.Duration(p.Policy.Approval.Timeout)+" without an answer")
	if p.Policy.ExplainRefusals {
		out = append(out, "refusals explained on the program's stderr")
	}
	return out
}
