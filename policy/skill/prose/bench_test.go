package prose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkCheck judges a megabyte of documents.
func BenchmarkCheck(b *testing.B) {
	var all strings.Builder
	files, err := filepath.Glob("../../../*.md")
	if err != nil || len(files) == 0 {
		b.Fatalf("no documents to read: %v", err)
	}
	for all.Len() < 1<<20 {
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				b.Fatal(err)
			}
			all.Write(data)
			all.WriteString("\n\n")
		}
	}
	text := all.String()[:1<<20]
	b.SetBytes(int64(len(text)))
	for range b.N {
		Check(Parse("SKILL.md", text, 1, false))
	}
}
