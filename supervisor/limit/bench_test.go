package limit

import (
	"path/filepath"
	"testing"
	"time"
)

func BenchmarkTake(b *testing.B) {
	for name, l := range map[string]Limit{
		"denied":         {0, time.Hour},
		"a million":      {1 << 20, time.Second},
		"a thousand":     {1 << 10, time.Millisecond},
		"each to disk":   {share - 1, time.Microsecond},
		"billion a week": {1 << 30, 7 * 24 * time.Hour},
	} {
		b.Run(name, func(b *testing.B) {
			s, err := Open(filepath.Join(b.TempDir(), "limits.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Take("jail/delete", l, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
