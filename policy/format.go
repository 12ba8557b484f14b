package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SizeUnits are the units of sizes, the largest first.
func SizeUnits() []string { return []string{"TiB", "GiB", "MiB", "KiB", "B"} }

// UnitBytes gives how many bytes a unit of SizeUnits stands for; 0 for any
// other text.
func UnitBytes(unit string) int64 {
	i := slices.Index(SizeUnits(), unit)
	if i < 0 {
		return 0
	}
	return 1 << (10 * (len(SizeUnits()) - 1 - i))
}

// Size writes a number of bytes as policies do.
func Size(n int64) string {
	for _, unit := range SizeUnits() {
		if u := UnitBytes(unit); n >= u && n%u == 0 {
			return strconv.FormatInt(n/u, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// TimeUnits are the units of durations, the longest first.
func TimeUnits() []string { return []string{"d", "h", "m", "s"} }

// UnitDuration gives how long a unit of TimeUnits is; 0 for any other text.
func UnitDuration(unit string) time.Duration {
	switch unit {
	case "d":
		return 24 * time.Hour
	case "h":
		return time.Hour
	case "m":
		return time.Minute
	case "s":
		return time.Second
	}
	return 0
}

// Duration writes a duration as policies do.
func Duration(d time.Duration) string {
	var b strings.Builder
	rest := d
	for _, unit := range TimeUnits() {
		u := UnitDuration(unit)
		if n := rest / u; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + unit)
			rest -= n * u
		}
	}
	if rest != 0 || b.Len() == 0 {
		return d.String() // finer than the units
	}
	return b.String()
}

// CPUs writes thousandths of a processor as policies do.
func CPUs(milli int64) string { return strconv.FormatFloat(float64(milli)/1000, 'f', -1, 64) }

// Lines says what a policy means, one fact a line, in a fixed order and
// without where it was written: two policies that mean the same have the same
// lines.
func (p *Policy) Lines() []string {
	out := []string{"name: " + p.Name}
	files := slices.Clone(p.Files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range files {
		out = append(out, "files: "+f.line())
	}
	if p.Delete.Limit != 0 {
		out = append(out, fmt.Sprintf("delete: %d per %s, then %s", p.Delete.Limit, Duration(p.Delete.Per), p.Delete.Origin.Word(p.Delete.Over)))
	}
	for _, r := range p.Exec.Rules {
		out = append(out, "exec: "+r.line())
	}
	out = append(out, "exec: otherwise "+p.Exec.Origin.Word(p.Exec.Default))
	for _, r := range p.Network.Rules {
		out = append(out, "network: "+r.line())
	}
	out = append(out, "network: otherwise "+p.Network.Origin.Word(p.Network.Default),
		"network: private addresses "+p.Network.PrivateOrigin.Word(p.Network.Private))
	l := p.Limits
	out = append(out,
		"limits: memory "+Size(l.MemoryBytes), "limits: cpus "+CPUs(l.MilliCPUs),
		fmt.Sprintf("limits: pids %d", l.Pids), fmt.Sprintf("limits: open_files %d", l.OpenFiles),
		"limits: file_size "+Size(l.FileSizeBytes), "limits: wall "+Duration(l.Wall),
		"limits: tmp "+Size(l.TmpBytes), "limits: shm "+Size(l.ShmBytes))
	pass := slices.Sorted(slices.Values(p.Env.Pass))
	for _, s := range pass {
		out = append(out, "env: pass "+s)
	}
	for _, v := range p.Env.Set {
		out = append(out, fmt.Sprintf("env: set %s=%q", v.Name, v.Value))
	}
	out = append(out, p.Actions.lines()...)
	if p.ExplainRefusals {
		out = append(out, "on_refusal: explain")
	}
	return append(out, "approval: timeout "+Duration(p.Approval.Timeout), "on_violation: "+p.OnViolation.String())
}

func (f File) line() string {
	out := f.Access.String() + " " + strconv.Quote(f.Path)
	if f.Access == AccessNone {
		return out
	}
	if f.Exec {
		out += ", exec"
	} else {
		out += ", noexec"
	}
	if want := f.Access == AccessWrite || f.Access == AccessPrivate; want && f.Write != Allow || !want && f.Write != Deny {
		out += ", write " + f.Origin.Word(f.Write)
	}
	if f.Create {
		out += ", create"
	}
	if f.Optional {
		out += ", optional"
	}
	if f.SizeBytes != 0 {
		out += ", size " + Size(f.SizeBytes)
	}
	return out
}

func (r ExecRule) line() string {
	out := r.Origin.Word(r.Then)
	if len(r.Run) > 0 {
		out += " " + quoteAll(r.Run)
	}
	if r.Args != nil {
		out += " args [" + quoteAll(r.Args) + "]"
	}
	if r.SHA256 != "" {
		out += " sha256 " + r.SHA256
	}
	return out
}

func (r NetRule) line() string {
	out := r.Origin.Word(r.Then) + " " + r.Host
	if r.Port == 0 {
		out += " any port"
	} else {
		out += " " + strconv.Itoa(int(r.Port))
	}
	if r.Protocol != ProtocolNamed {
		out += " " + r.Protocol.String()
	}
	if r.Needs != "" {
		out += ", needs " + r.Needs
	}
	return out
}

func (a Actions) lines() (out []string) {
	if a.AskRoutine {
		out = append(out, "actions: even routine ones ask")
	}
	for _, k := range a.NeverAsk {
		out = append(out, "actions: "+string(k)+" need not ask")
	}
	for _, t := range a.Types {
		line := "actions: " + t.Name + " " + t.Category.String()
		if t.Kind != KindNone {
			line += ", " + string(t.Kind)
		}
		out = append(out, line)
	}
	for _, l := range a.Limits {
		out = append(out, fmt.Sprintf("actions: %s of each %s, then %s", l, l.Scope, l.Over))
	}
	if a.Window != 0 {
		out = append(out, "actions: window "+Duration(a.Window))
	}
	return out
}

func quoteAll(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strconv.Quote(s)
	}
	return strings.Join(out, " ")
}

// Change is one line of a difference.
type Change struct {
	Added bool   `json:"added"` // else removed
	Line  string `json:"line"`
}

// Diff gives what b has and a has not, and the other way round, in the order
// of the lines: a shortest edit of one into the other.
func Diff(a, b *Policy) []Change {
	x, y := a.Lines(), b.Lines()
	// common[i][j] is how many lines x[i:] and y[j:] can keep.
	common := make([][]int, len(x)+1)
	for i := range common {
		common[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []Change
	for i, j := 0, 0; i < len(x) || j < len(y); {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && common[i+1][j] >= common[i][j+1]:
			out = append(out, Change{false, x[i]})
			i++
		default:
			out = append(out, Change{true, y[j]})
			j++
		}
	}
	return out
}
