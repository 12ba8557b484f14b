package tracee

import (
	"bytes"
	"os"
	"testing"
)

func TestImages(t *testing.T) {
	for path, want := range map[string]Image{
		"/usr/lib64/ld-linux-x86-64.so.2": ImageLoader, "/bin/true": ImageProgram, "/proc/self/exe": ImageProgram,
		"/usr/lib/x86_64-linux-gnu/libc.so.6": ImageOther, "/usr/bin/ldd": ImageOther, "/etc/passwd": ImageOther, "/usr": ImageOther, "/dev/null": ImageOther,
	} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ImageOf(f); err != nil || got != want {
			t.Errorf("%s is %d, want %d: %v", path, got, want, err)
		}
		_ = f.Close()
	}
}

func TestLoaderProgram(t *testing.T) {
	tests := []struct {
		argv  []string
		at    int
		argv0 string
		ok    bool
	}{
		{nil, 0, "", true},
		{[]string{"ld.so"}, 0, "", true},
		{[]string{"ld.so", "./x", "--list"}, 1, "./x", true},
		{[]string{"ld.so", "--list", "./x"}, 2, "./x", true},
		{[]string{"ld.so", "--library-path", "/lib", "--argv0", "y", "./x", "z"}, 5, "y", true},
		{[]string{"ld.so", "--preload=a.so", "--", "--x"}, 3, "--x", true},
		{[]string{"ld.so", "--preload"}, 0, "", true},
		{[]string{"ld.so", "--"}, 0, "", true},
		{[]string{"ld.so", "--new-option", "./x"}, 0, "", false},
		{[]string{"ld.so", "-x"}, 1, "-x", true},
		{[]string{"ld.so", ""}, 1, "", true},
	}
	for _, tt := range tests {
		if at, argv0, ok := LoaderProgram(tt.argv); at != tt.at || argv0 != tt.argv0 || ok != tt.ok {
			t.Errorf("%q: %d, %q, %v", tt.argv, at, argv0, ok)
		}
	}
}

func FuzzImage(f *testing.F) {
	for _, path := range []string{"/usr/lib64/ld-linux-x86-64.so.2", "/bin/true"} {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:min(len(b), 4096)])
	}
	f.Add([]byte("\x7fELF\x02\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := decodeImage(bytes.NewReader(b)); err != nil {
			t.Error(err)
		}
	})
}
