//go:build kernel

package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"clawjail/supervisor/approval"
	"clawjail/test/kernel"
)

// TestAFullDiskDenies: what cannot be journaled is denied and never shown; with
// space again, everything works, and what was journaled before is still there.
func TestAFullDiskDenies(t *testing.T) {
	dir := kernel.SmallDisk(t, 1<<20)
	j := open(t, filepath.Join(dir, "state.db"))
	defer j.Close()
	q := approval.New(approval.Options{Journal: j, Boot: "b", OnDecision: func(approval.Request, approval.Decision) error { return nil }})
	defer q.Close()
	if err := j.Put(request(t, "00000001", "/w/before")); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	kernel.Fill(t, filler)

	denied := 0
	for i := range 200 { // the file has some free pages at first
		r := request(t, "", fmt.Sprint("/w/", i, string(make([]byte, 2048))))
		if err := j.Put(withID(r, i)); err == nil {
			continue
		}
		d, err := q.Submit(t.Context(), r)
		if err != nil || d.Outcome != approval.Unrecorded {
			t.Fatalf("%+v, %v", d, err)
		}
		denied++
		break
	}
	if denied == 0 || len(q.List()) != 0 {
		t.Fatalf("%d denied, %d shown", denied, len(q.List()))
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := j.Put(request(t, "00000002", "/w/after")); err != nil {
		t.Fatal(err)
	}
	got, err := j.Load()
	if err != nil || len(got) < 2 || got[0].ID != "00000001" {
		t.Errorf("%d requests, %v", len(got), err)
	}
}

func withID(r approval.Request, i int) approval.Request {
	r.ID = fmt.Sprintf("9%07d", i)
	return r
}
