package checklist

import (
	"time"

	"clawjail/supervisor/checklist/ledger"
)

// soon is the share of an interval before its end in which a task wants attention.
const soon = 5

// Recurring judges what has to be done again and again, from what was done.
func Recurring(done map[string]ledger.Entry, now time.Time) []Task {
	var out []Task
	for _, k := range ledger.Tasks() {
		out = append(out, judgeTask(k, Facts{Time: now, Ledger: Know(done, nil)}))
	}
	return out
}

func judgeTask(k ledger.Task, f Facts) Task {
	t := Task{Item: Item{ID: k.ID, Title: k.Title, Fix: k.Fix}, Every: k.Every}
	if f.Ledger.Err != "" {
		t.Status, t.Detail, t.Fix = Unknown, f.Ledger.Err, ""
		return t
	}
	e, done := f.Ledger.Value[k.ID]
	if !done {
		t.Status, t.Detail = Failed, "never done"
		return t
	}
	due := e.At.Add(k.Within)
	t.Last, t.By, t.Note, t.Due = &e.At, e.By, e.Note, &due
	switch left := due.Sub(f.Time); {
	case e.At.After(f.Time.Add(time.Hour)):
		t.Status, t.Detail = Failed, "said to be done in the future, at "+stamp(e.At)
	case left <= 0:
		t.Status, t.Detail = Failed, "due since "+stamp(due)
	case left < k.Within/soon:
		t.Status, t.Detail = Attention, "due at "+stamp(due)
	default:
		t.Status, t.Detail, t.Fix = OK, "done at "+stamp(e.At), ""
	}
	return t
}
