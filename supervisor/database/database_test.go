package database

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// made writes a database of some pages and gives its bytes.
func made(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "good.db")
	db, err := Open(path, "it is gone")
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("some"))
		for i := 0; i < 500 && err == nil; i++ {
			err = b.Put(fmt.Appendf(nil, "key/%d", i), make([]byte, 100))
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// TestDamage: a damaged file is opened or refused in words; nothing panics.
func TestDamage(t *testing.T) {
	whole := made(t)
	page := os.Getpagesize()
	rng := rand.New(rand.NewPCG(1, 2))
	damages := map[string][]byte{
		"text":        []byte(strings.Repeat("this is no database\n", 1000)),
		"zeroes":      make([]byte, len(whole)),
		"one page":    whole[:page],
		"both metas":  whole[:2*page],
		"half":        whole[:len(whole)/2],
		"not aligned": whole[:len(whole)-7],
	}
	for i := range 60 {
		b := slices.Clone(whole)
		at := rng.IntN(len(b)/page) * page
		for range 1 + rng.IntN(64) {
			b[at+rng.IntN(256)] = byte(rng.Uint32())
		}
		damages[fmt.Sprintf("page %d", i)] = b
	}
	refused := 0
	for _, name := range slices.Sorted(maps.Keys(damages)) {
		path := filepath.Join(t.TempDir(), "state.db")
		if err := os.WriteFile(path, damages[name], 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(path, "it is gone")
		if err == nil {
			err = Safely(db.Close)
			if err != nil {
				t.Errorf("%s: close: %v", name, err)
			}
			continue
		}
		refused++
		if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "clawjail restore") || !strings.HasSuffix(err.Error(), "then it is gone") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if refused < len(damages)/10 {
		t.Errorf("%d of %d damaged files were refused", refused, len(damages))
	}
}

func TestOneOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db, err := Open(path, "it is gone")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := Open(path, "it is gone"); err == nil || err.Error() != "open "+path+": another supervisor uses it" {
		t.Errorf("%v", err)
	}
}

func TestTheSystemRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere", "state.db")
	if _, err := Open(path, "it is gone"); !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "restore") {
		t.Errorf("%v", err)
	}
}
