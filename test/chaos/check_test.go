//go:build e2e

package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stopped reports whether the record has the end of a jail.
func stopped(t *testing.T, j *jail) bool {
	t.Helper()
	for _, r := range records(t, "--jail", j.id, "--gate", "jail") {
		if field(r, "subject", "op") == "stop" {
			return true
		}
	}
	return false
}

// check looks at what the jails have done, and at what the record says.
func (w *trouble) check() {
	w.t.Helper()
	if out, err := clawjail(w.t, "audit", "verify"); err != nil || !strings.HasPrefix(out, "OK") {
		w.t.Errorf("%v: %s", err, out)
	}
	lost := 0
	for _, r := range records(w.t, "--gate", "gap") {
		n, _ := strconv.ParseFloat(field(r, "subject", "lost"), 64)
		lost += int(n)
	}
	total, missing := 0, 0
	for _, j := range w.jails {
		w.forbidden(j)
		n, m := w.journaled(j)
		total, missing = total+n, missing+m
	}
	w.t.Logf("%v; the jails did %d things, %d of them are in no record and no gap of their jail, %d are counted as lost", w.count, total, missing, lost)
	if missing > lost {
		w.t.Errorf("%d things are in no record and in no gap", missing-lost)
	}
	if total == 0 {
		w.t.Error("the jails did nothing")
	}
}

// forbidden looks for what nobody approved and what is refused.
func (w *trouble) forbidden(j *jail) {
	w.t.Helper()
	list, err := os.ReadDir(j.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), "forbidden-") {
			w.t.Errorf("jail %s: %s was made", j.name, e.Name())
		}
		if number, ok := strings.CutPrefix(e.Name(), "ask-"); ok {
			if n, err := strconv.Atoi(number); err != nil || n%2 != 0 {
				w.t.Errorf("jail %s: %s was made, and nobody approved it", j.name, e.Name())
			}
		}
	}
}

var between = regexp.MustCompile(`between (\S+) and (\S+): `)

// journaled counts what a jail says that it did, and what of it the record does
// not have.
func (w *trouble) journaled(j *jail) (total, missing int) {
	w.t.Helper()
	seen := map[string]bool{}
	var gaps []span
	for _, r := range records(w.t, "--jail", j.id) {
		switch field(r, "gate") {
		case "exec":
			if argv, ok := r["subject"].(map[string]any)["argv"].([]any); ok && len(argv) == 2 {
				seen[fmt.Sprint("exec ", strings.TrimPrefix(fmt.Sprint(argv[1]), "load-"))] = true
			}
		case "file":
			seen["write "+strings.TrimPrefix(filepath.Base(field(r, "subject", "path")), "w-")] = true
		case "gap":
			m := between.FindStringSubmatch(field(r, "subject", "message"))
			if m == nil {
				continue
			}
			from, err := time.Parse(time.RFC3339Nano, m[1])
			to, err2 := time.Parse(time.RFC3339Nano, m[2])
			if err := errors.Join(err, err2); err != nil {
				w.t.Fatal(err)
			}
			if from.After(to) {
				w.t.Errorf("jail %s: a gap ends before it begins: %s", j.name, m[0])
			}
			gaps = append(gaps, w.clock.spans(from, to)...)
		}
	}
	for line := range strings.Lines(journalOf(j)) {
		var what string
		var n int
		var from, to float64
		if _, err := fmt.Sscanf(line, "%s %d %f %f", &what, &n, &from, &to); err != nil {
			continue // cut off: the jail was killed
		}
		total++
		if seen[fmt.Sprintf("%s %d", what, n)] {
			continue
		}
		since, until := seconds(from), seconds(to)
		if slices.ContainsFunc(gaps, func(g span) bool { return since <= g.to && until >= g.from }) {
			continue
		}
		missing++
		if missing < 10 {
			w.t.Logf("jail %s: %s %d is in no record, at %s", j.name, what, n, time.Unix(0, int64(since+w.clock.times[0].ahead)).UTC().Format(time.RFC3339Nano))
		}
	}
	return total, missing
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
