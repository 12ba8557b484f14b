package block

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// lines counts the lines of a block.
func lines(data []byte, _ int) int { return bytes.Count(data, []byte{'\n'}) }

func TestScanGivesEverythingInOrder(t *testing.T) {
	var in bytes.Buffer
	for i := range 300_000 {
		in.WriteString(strings.Repeat("x", i%97))
		in.WriteByte('\n')
	}
	for name, end := range map[string]string{"whole": "", "without the last newline": "end"} {
		want := append(bytes.Clone(in.Bytes()), end...)
		var out bytes.Buffer
		n, tails := 0, 0
		err := Scan(context.Background(), bytes.NewReader(want), lines, func(data []byte, k int, tail bool) error {
			out.Write(data)
			n += k
			if tail {
				tails++
			}
			return nil
		})
		if err != nil || n != 300_000 || !bytes.Equal(out.Bytes(), want) || tails != min(len(end), 1) {
			t.Errorf("%s: %v, %d lines, %d of %d bytes, %d tails", name, err, n, out.Len(), len(want), tails)
		}
	}
}

func TestScanEnds(t *testing.T) {
	long := bytes.Repeat([]byte{'x'}, MaxLine+Size)
	some := bytes.Repeat([]byte("line\n"), 1<<20)
	boom := errors.New("boom")
	none := func([]byte, int, bool) error { return nil }
	if err := Scan(context.Background(), bytes.NewReader(long), lines, none); !errors.Is(err, ErrLong) {
		t.Errorf("a line without end: %v", err)
	}
	if err := Scan(context.Background(), io.MultiReader(bytes.NewReader(some), iotest.ErrReader(boom)), lines, none); !errors.Is(err, boom) {
		t.Errorf("a reader that fails: %v", err)
	}
	if err := Scan(context.Background(), bytes.NewReader(some), lines, func([]byte, int, bool) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("a consumer that has enough: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Scan(ctx, bytes.NewReader(some), lines, none); !errors.Is(err, context.Canceled) {
		t.Errorf("ended before: %v", err)
	}
	if err := Scan(context.Background(), strings.NewReader(""), lines, none); err != nil {
		t.Errorf("nothing: %v", err)
	}
}
