package gate

import (
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/policy"
	"clawjail/seccomp/tracee"
)

func TestStrictestVerdictWins(t *testing.T) {
	order := []policy.Verdict{policy.Allow, policy.Audit, policy.Ask, policy.Deny, policy.Kill, policy.Freeze}
	for i, weak := range order {
		for _, strong := range order[i:] {
			a, b := policy.Decision{Verdict: weak, Rule: "weak"}, policy.Decision{Verdict: strong, Rule: "strong"}
			if got := strictest(a, b).Verdict; got != strong {
				t.Errorf("%s and %s give %s", weak, strong, got)
			}
			if got := strictest(b, a).Verdict; got != strong {
				t.Errorf("%s and %s give %s", strong, weak, got)
			}
		}
	}
	if severity(policy.Verdict(99)) != severity(policy.Deny) {
		t.Error("an unknown verdict is not a denial")
	}
}

// fs/exec.c:alloc_bprm.
func TestKernelName(t *testing.T) {
	tests := []struct {
		name  string
		dirfd int32
		path  string
		want  string
	}{
		{"relative to the working directory", unix.AT_FDCWD, "x", "x"},
		{"absolute, whatever the descriptor", 5, "/bin/x", "/bin/x"},
		{"the descriptor itself", 5, "", "/dev/fd/5"},
		{"relative to a descriptor", 5, "a/x", "/dev/fd/5/a/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := kernelName(tt.dirfd, tt.path); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhatIsCountedAsADeletion(t *testing.T) {
	e := &Engine{c: Config{Policy: &policy.Policy{Files: []policy.File{
		{Path: "/work", Access: policy.AccessWrite, Write: policy.Allow},
		{Path: "/home/agent", Access: policy.AccessPrivate, Write: policy.Allow},
		{Path: "/tmp/work", Access: policy.AccessWrite, Write: policy.Allow},
	}}}}
	there := func(path string, ino uint64, mode uint32, size int64) place {
		return place{path: path, file: &tracee.Resolved{ID: tracee.Identity{Dev: 1, Ino: ino, Mode: mode, Size: size}}}
	}
	regular := uint32(unix.S_IFREG)
	tests := []struct {
		name string
		x    change
		want bool
	}{
		{"a file of the workspace", change{op: "unlink", places: []place{there("/work/a", 1, regular, 0)}}, true},
		{"what is not there", change{op: "unlink", places: []place{{path: "/work/a"}}}, false},
		{"a private file", change{op: "unlink", places: []place{there("/home/agent/a", 1, regular, 9)}}, false},
		{"a file of the private /tmp", change{op: "unlink", places: []place{there("/tmp/a", 1, regular, 9)}}, false},
		{"a file of a workspace below /tmp", change{op: "unlink", places: []place{there("/tmp/work/a", 1, regular, 9)}}, true},
		{"a directory", change{op: "rmdir", places: []place{there("/work/d", 1, unix.S_IFDIR, 0)}}, true},
		{"cutting a file with content", change{op: "truncate", resizes: true, places: []place{there("/work/a", 1, regular, 9)}}, true},
		{"cutting all but one byte of it", change{op: "truncate", resizes: true, size: 1, places: []place{there("/work/a", 1, regular, 9)}}, true},
		{"cutting its last byte", change{op: "truncate", resizes: true, size: 8, places: []place{there("/work/a", 1, regular, 9)}}, true},
		{"leaving it as long as it is", change{op: "truncate", resizes: true, size: 9, places: []place{there("/work/a", 1, regular, 9)}}, false},
		{"making it longer", change{op: "truncate", resizes: true, size: 99, places: []place{there("/work/a", 1, regular, 9)}}, false},
		{"cutting an empty file", change{op: "truncate", resizes: true, places: []place{there("/work/a", 1, regular, 0)}}, false},
		{"opening a file with content and cutting it", change{op: "open", places: []place{there("/work/a", 1, regular, 9)}}, true},
		{"renaming to a new name", change{op: "rename", places: []place{there("/work/a", 1, regular, 9), {path: "/work/b"}}}, false},
		{"renaming over another file", change{op: "rename", places: []place{there("/work/a", 1, regular, 9), there("/work/b", 2, regular, 0)}}, true},
		{"renaming over another name of the same file", change{op: "rename", places: []place{there("/work/a", 1, regular, 9), there("/work/b", 1, regular, 9)}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := e.deletes(&edit{change: &tt.x}); got != tt.want {
				t.Errorf("counted: %v", got)
			}
		})
	}
}
