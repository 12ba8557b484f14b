package file

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/config"
)

// TestMain makes the test program the compiler as well: what it does then
// stands in the file that it is given.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[0] == "clawjail" && os.Args[1] == "config" {
		os.Exit(compiler(os.Args[1:]))
	}
	// As main of clawjaild does: what was inherited is not for children.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func compiler(args []string) int {
	if !slices.Equal(args[:4], []string{"config", "compile", "-", "--name"}) || len(args) != 5 {
		fmt.Fprintf(os.Stderr, "arguments %q\n", args)
		return 1
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	b, err := config.Encode(config.Default())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch word, rest, _ := strings.Cut(strings.TrimSpace(string(text)), " "); word {
	case "good":
		os.Stdout.Write(b)
	case "bad":
		fmt.Fprintf(os.Stderr, "%s:1:1: %s\n", args[4], rest)
		return 1
	case "empty":
	case "mute":
		return 3
	case "long":
		os.Stdout.Write(append(b, bytes.Repeat([]byte(" "), 10<<20)...))
	case "talk":
		os.Stderr.Write(bytes.Repeat([]byte("x"), 10<<20))
		return 1
	case "terminal":
		os.Stderr.WriteString("one\x1b]0;two\u202e\xff\nthree\n")
		return 1
	case "hang":
		unix.Pause()
	case "self":
		self(os.Stderr)
		return 1
	}
	return 0
}

// self says who the child is and what it has.
func self(w io.Writer) {
	status, err := os.ReadFile("/proc/self/status")
	fmt.Fprintln(w, "error", err)
	for line := range strings.SplitSeq(string(status), "\n") {
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs":
			fmt.Fprintln(w, strings.Join(strings.Fields(line), " "))
		}
	}
	dir, err := os.Getwd()
	fmt.Fprintln(w, "env", os.Environ(), "dir", dir, err)
	// Above 3, which is the program itself, nothing is inherited: what the
	// runtime of the child opened by itself is closed at exec.
	for fd := 4; fd < 64; fd++ {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			fmt.Fprintln(w, "descriptor", fd)
		}
	}
}
