package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"clawjail/supervisor/approval"
)

func request(t *testing.T, id, path string) approval.Request {
	t.Helper()
	r, err := approval.Prepare(approval.Request{Jail: "j1", Gate: approval.GateFile, Op: "open", Path: path, Boot: "b"})
	if err != nil {
		t.Fatal(err)
	}
	r.ID = id
	return r
}

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestRequestsOutliveTheJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	j := open(t, path)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if err := j.Put(request(t, fmt.Sprintf("%08d", i), fmt.Sprint("/w/\x1b\xff", i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := j.Remove("00000007"); err != nil {
		t.Fatal(err)
	}
	if err := j.Remove("00000007"); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	defer j.Close()
	got, err := j.Load()
	if err != nil || len(got) != 49 {
		t.Fatalf("%d requests, %v", len(got), err)
	}
	if r := got[3]; r.Path != "/w/\x1b\xff3" || r.ID != "00000003" {
		t.Errorf("%+v", r)
	}
}

func TestWhatCannotBeReadIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	j := open(t, path)
	defer j.Close()
	if err := j.Put(request(t, "00000001", "/w/a")); err != nil {
		t.Fatal(err)
	}
	err := j.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		good := append([]byte(nil), b.Get([]byte("00000001"))...)
		return errors.Join(b.Put([]byte("00000002"), good), b.Put([]byte("00000003"), []byte("{")))
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := j.Load()
	if len(got) != 1 || err == nil || !strings.Contains(err.Error(), "stored as") || !strings.Contains(err.Error(), "decode") {
		t.Fatalf("%d requests, %v", len(got), err)
	}
	if got, err := j.Load(); len(got) != 1 || err != nil {
		t.Errorf("the next time: %d requests, %v", len(got), err)
	}
}

func TestScopesOutliveTheJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	j := open(t, path)
	m := approval.Remembered{Jail: "j1", Gate: approval.GateExec, Key: "k1", Boot: "b", Decision: approval.Decision{ID: "12345678",
		Digest: strings.Repeat("a", 64), Outcome: approval.Approved, Scope: approval.Scope{Kind: approval.ScopeJail}, By: approval.By{UID: 7}}}
	other := m
	other.Key = "k2"
	if err := errors.Join(j.Keep(m), j.Keep(other), j.Keep(m), j.Drop(other.Name(), "unknown"), j.Put(request(t, "00000001", "/w/a"))); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	defer j.Close()
	got, err := j.Scopes()
	if err != nil || len(got) != 1 || got[0].Key != "k1" || got[0].Decision.Outcome != approval.Approved {
		t.Fatalf("%+v, %v", got, err)
	}
	if requests, err := j.Load(); err != nil || len(requests) != 1 {
		t.Errorf("%d requests, %v", len(requests), err)
	}
	err = j.db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(scopes)).Put([]byte("x"), []byte("{")) })
	if err != nil {
		t.Fatal(err)
	}
	if got, err := j.Scopes(); len(got) != 1 || err == nil {
		t.Errorf("with one that cannot be read: %+v, %v", got, err)
	}
}

func TestOnlyOneSupervisor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	j := open(t, path)
	defer j.Close()
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "another supervisor") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkPut(b *testing.B) {
	j, err := Open(filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	r, _ := approval.Prepare(approval.Request{Jail: "j1", Gate: approval.GateFile, Op: "open", Path: "/w/a", Boot: "b"})
	for i := 0; b.Loop(); i++ {
		r.ID = fmt.Sprintf("%08d", i%1000)
		if err := j.Put(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAnswer is the time from an approval to the waiter that goes on, with
// the journal on a disk.
func BenchmarkAnswer(b *testing.B) {
	j, err := Open(filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	q := approval.New(approval.Options{Journal: j, Boot: "b", OnDecision: func(approval.Request, approval.Decision) error { return nil }})
	defer q.Close()
	events, err := q.Watch(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var waited time.Duration
	for i := 0; b.Loop(); i++ {
		woken := make(chan time.Time, 1)
		go func() {
			_, _ = q.Submit(b.Context(), approval.Request{Jail: "j", Gate: approval.GateFile, Op: "open", Path: fmt.Sprint("/w/", i)})
			woken <- time.Now()
		}()
		v := (<-events).View
		start := time.Now()
		if _, _, err := q.Decide(approval.Answer{ID: v.ID, Digest: v.Digest, Approve: true}); err != nil {
			b.Fatal(err)
		}
		waited += (<-woken).Sub(start)
		<-events
	}
	b.ReportMetric(float64(waited.Nanoseconds())/float64(b.N), "ns/answer")
}

// BenchmarkThousand holds 1,000 requests of 5 jails at once and denies them.
func BenchmarkThousand(b *testing.B) {
	j, err := Open(filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	for b.Loop() {
		q := approval.New(approval.Options{Journal: j, Boot: "b", Limits: approval.Limits{Jail: 200, Total: 1000},
			OnDecision: func(approval.Request, approval.Decision) error { return nil }})
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				_, _ = q.Submit(b.Context(), approval.Request{Jail: fmt.Sprint("j", i%5), Gate: approval.GateFile, Op: "open", Path: fmt.Sprint("/w/", i)})
			})
		}
		for len(q.List()) < 1000 {
			runtime.Gosched()
		}
		for i := range 5 {
			q.EndJail(fmt.Sprint("j", i))
		}
		all.Wait()
	}
}
