package evidence

import (
	"bytes"
	"context"
	"testing"

	"clawjail/audit"
)

func TestTheSliceOfTheLogBeginsWhereItShould(t *testing.T) {
	dir := t.TempDir()
	l, err := audit.Open(dir, audit.Options{MaxBytes: 1000, Sync: audit.SyncNever, Boot: "b"})
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		if _, err := l.Append(audit.Record{Gate: audit.GateExec}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	n, err := copyRange(context.Background(), &out, dir, 17)
	if err != nil || n != int64(out.Len()) || bytes.Count(out.Bytes(), []byte{'\n'}) != 14 || !bytes.HasPrefix(out.Bytes(), []byte(`{"schema":1,"seq":17,`)) {
		t.Errorf("%d bytes, %v: %.60s", n, err, out.Bytes())
	}
}
