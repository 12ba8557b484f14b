package gateway

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// other stands for every label value that is not of its set.
const other = "other"

// set is a closed set of label values, separated by blanks.
type set string

// The closed sets. The classes of lost events grow with the probes; whatever is
// not here is counted all the same, as "other".
const (
	gates          set = "exec file delete connect egress dns jail supervisor gap"
	verdicts       set = "allow audit ask deny kill freeze"
	tiers          set = "lsm notify"
	states         set = "creating running frozen exited"
	channels       set = "webhook slack shoutrrr smtp command gone"
	sinks          set = "journald syslog otlp"
	outcomes       set = "sent later givenup dropped again kept withdrawn"
	incidentStates set = "open contained preserved assessed released killed closed"
	// held are the gates that can hold an action: they are present at zero, so
	// that an alert on their increase sees where they began.
	held set = "exec file delete connect egress"
	// classes are those of the probes' events, of events that a probe was not
	// run for, and reasons for losses in the supervisor.
	classes set = "exec exit fork open open_write unlink rename truncate connect send sock " +
		"exec_skipped exit_skipped fork_skipped file_skipped " +
		"undecodable unknown_jail unknown_class audit egress"
)

func (s set) values() []string { return strings.Fields(string(s)) }

// pick gives a value of the set.
func (s set) pick(v string) string {
	if slices.Contains(s.values(), v) {
		return v
	}
	return other
}

// counts are values by labels; an empty second label is none.
type counts map[[2]string]float64

func (c counts) add(n uint64, labels ...string) {
	var key [2]string
	copy(key[:], labels)
	c[key] += float64(n) // several values can be "other"
}

// countsOf counts by one label of the set; zero lists what is there anyway.
func countsOf(m map[string]uint64, allowed, zero set) counts {
	c := counts{}
	for _, v := range zero.values() {
		c.add(0, v)
	}
	for v, n := range m {
		c.add(n, allowed.pick(v))
	}
	return c
}

// label makes any text a label value: valid UTF-8 of a bounded length.
func label(s string) string {
	const maxLabel = 64
	s = strings.ToValidUTF8(s, "?")
	for len(s) > maxLabel {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
