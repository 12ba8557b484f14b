package limit

import (
	"bytes"
	"testing"
	"time"
)

func FuzzDecodeWindow(f *testing.F) {
	full := &window{keep: int64(time.Hour), reserved: 7}
	for i := range int64(100) {
		full.take(1000*i+1, 1+i%3)
	}
	f.Add([]byte{})
	f.Add(encodeWindow(&window{}))
	f.Add(encodeWindow(full))
	f.Add([]byte{version, 1, 1, 2, 5, 1, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := decodeWindow(b)
		if err != nil {
			return
		}
		if again := encodeWindow(w); !bytes.Equal(again, b) {
			t.Fatalf("%x is read as %+v, which is %x", b, w, again)
		}
		total, last := int64(0), int64(-1)
		for _, e := range w.entries {
			if e.at <= last || e.units <= 0 {
				t.Fatalf("entry %+v after time %d", e, last)
			}
			last = e.at
			total += e.units
		}
		if total != w.total || total < 0 {
			t.Fatalf("total %d, want %d", w.total, total)
		}
		w.take(last, 5) // and it can be gone on with
		w.expire(last)
		w.join()
		if n := len(w.entries); n > maxEntries {
			t.Fatalf("%d entries", n)
		}
	})
}

func FuzzDecodeAnchor(f *testing.F) {
	f.Add(encodeAnchor(anchor{BootID: "b", Boot: 1, Wall: -1, Now: 3}))
	f.Add([]byte{version, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeAnchor(b)
		if err != nil {
			return
		}
		if again := encodeAnchor(a); !bytes.Equal(again, b) {
			t.Fatalf("%x is read as %+v, which is %x", b, a, again)
		}
		clock := newMachine()
		line, err := resume(clock, a)
		if err != nil {
			t.Fatal(err)
		}
		if now, err := line.now(); err != nil || now < a.Now {
			t.Fatalf("after %d comes %d, %v", a.Now, now, err)
		}
	})
}
