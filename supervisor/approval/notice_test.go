package approval

import (
	"fmt"
	"testing"
)

func done(jail, rule, key string) Done {
	return Done{Jail: jail, JailName: "name-" + jail, Gate: GateFile, Rule: rule, Key: key, What: func() string { return "open " + key }}
}

func TestAlikeThingsAreToldOnce(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.Tell(done("j1", "files[0]", "/w/a"))
	}
	w.Tell(done("j1", "files[0]", "/w/b"))
	w.Tell(done("j2", "files[0]", "/w/a"))
	ev := w.next(Told)
	if n := ev.Notice; n.What != "open /w/a" || n.Count != 1 || n.JailName != "name-j1" || n.Rule != "files[0]" {
		t.Errorf("%+v", n)
	}
	if n := w.next(Told).Notice; n.What != "open /w/b" {
		t.Errorf("the second thing that is told: %+v", n)
	}
	list := w.Notices("name-j1")
	if len(list) != 2 || list[0].Count != 3 || list[1].Count != 1 || len(w.Notices("")) != 3 || len(w.Notices("j2")) != 1 {
		t.Errorf("%+v", list)
	}
	if n := w.Told()[GateFile]; n != 5 {
		t.Errorf("%d things counted", n)
	}
}

// A jail that does a lot is a few lines, and cannot push out what others did.
func TestNoFloodOfNotices(t *testing.T) {
	w := newWorld(t)
	for i := range 1000 {
		w.Tell(done("j1", "files[0]", fmt.Sprint("/w/", i)))
	}
	list := w.Notices("j1")
	if len(list) != MaxRuleNotices+1 {
		t.Fatalf("%d notices of one rule", len(list))
	}
	if last := list[len(list)-1]; last.What != "" || last.Count != 1000-MaxRuleNotices {
		t.Errorf("the rest: %+v", last)
	}
	w.Tell(done("j2", "files[0]", "/w/first"))
	for rule := range 1000 {
		for i := range 3 {
			w.Tell(done("j1", fmt.Sprint("files[", rule, "]"), fmt.Sprint("/w/", i)))
		}
	}
	if n := len(w.Notices("j1")); n > maxRules*(MaxRuleNotices+1)+1 || n >= MaxNotices {
		t.Errorf("%d notices of one jail", n)
	}
	if len(w.Notices("j2")) != 1 {
		t.Error("another jail's notice is gone")
	}
	for jail := range 2 * MaxNotices {
		w.Tell(done(fmt.Sprint("k", jail), "files[0]", "/w/a"))
	}
	if n := len(w.Notices("")); n != MaxNotices {
		t.Errorf("%d notices in all", n)
	}
	if n := &w.notices; len(n.jails) > MaxNotices || len(n.rules) > MaxNotices+maxRules {
		t.Errorf("%d jails and %d rules are remembered", len(n.jails), len(n.rules))
	}
}

func TestADefaultIsToldAsOne(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		d := done("j1", "exec.default", fmt.Sprint("/usr/bin/", i))
		d.Default = true
		w.Tell(d)
	}
	list := w.Notices("j1")
	if len(list) != 1 || !list[0].Default || list[0].Count != 5 || list[0].What != "" {
		t.Errorf("%+v", list)
	}
	w.Tell(done("j1", "files[0]", "/w/a"))
	if n := w.next(Told).Notice; n.Rule != "files[0]" {
		t.Errorf("watchers were told of a default: %+v", n)
	}
}
