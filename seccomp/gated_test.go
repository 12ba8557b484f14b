package seccomp

import (
	"testing"

	"golang.org/x/sys/unix"
)

// verdict of a call under rules, by the reference evaluator.
func verdict(t *testing.T, r Rules, name string, args ...uint64) ActionKind {
	t.Helper()
	nr, ok := byName()[name]
	if !ok {
		t.Fatalf("no call %q", name)
	}
	var a [6]uint64
	copy(a[:], args)
	return r.Evaluate(Call{Nr: int32(nr), Arch: unix.AUDIT_ARCH_X86_64, Args: a}).Kind
}

func TestGated(t *testing.T) {
	exec, files, deletes := Gated(Gates{Exec: true}), Gated(Gates{Files: true}), Gated(Gates{Deletes: true})
	metadata := Gated(Gates{Metadata: true})
	const at = ^uint64(99) // AT_FDCWD
	tests := []struct {
		name  string
		rules Rules
		call  string
		args  []uint64
		want  ActionKind
	}{
		{"an execution is trapped", exec, "execve", nil, Notify},
		{"by descriptor too", exec, "execveat", nil, Notify},
		{"files are not, with only the exec gate", exec, "unlink", nil, Allow},
		{"execution is not, with only the file gate", files, "execve", nil, Allow},
		{"opening for reading is never trapped", files, "openat", []uint64{at, 0, unix.O_RDONLY | unix.O_CLOEXEC | unix.O_DIRECTORY}, Allow},
		{"opening for writing is", files, "openat", []uint64{at, 0, unix.O_WRONLY}, Notify},
		{"opening for both is", files, "open", []uint64{0, unix.O_RDWR}, Notify},
		{"creating is", files, "openat", []uint64{at, 0, unix.O_CREAT, 0o644}, Notify},
		{"truncating is, even read-only", files, "openat", []uint64{at, 0, unix.O_TRUNC}, Notify},
		{"a temporary file is", files, "openat", []uint64{at, 0, unix.O_TMPFILE | unix.O_WRONLY, 0o600}, Notify},
		{"creating set-user-id stays refused", files, "openat", []uint64{at, 0, unix.O_CREAT | unix.O_WRONLY, 0o4755}, Errno},
		{"so does making it so later", files, "chmod", []uint64{0, 0o4755}, Errno},
		{"an ordinary change of mode is trapped", files, "chmod", []uint64{0, 0o755}, Notify},
		{"renaming is trapped", files, "renameat2", nil, Notify},
		{"openat2 stays absent", files, "openat2", nil, Errno},
		{"deletions: unlink is trapped", deletes, "unlink", nil, Notify},
		{"deletions: truncating open is trapped", deletes, "openat", []uint64{at, 0, unix.O_WRONLY | unix.O_TRUNC}, Notify},
		{"deletions: creating is not", deletes, "openat", []uint64{at, 0, unix.O_WRONLY | unix.O_CREAT, 0o644}, Allow},
		{"deletions: creating set-user-id stays refused", deletes, "openat", []uint64{at, 0, unix.O_WRONLY | unix.O_CREAT, 0o4644}, Errno},
		{"deletions: creating and truncating set-user-id too", deletes, "openat", []uint64{at, 0, unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC, 0o4644}, Errno},
		{"deletions: mkdir is not trapped", deletes, "mkdir", []uint64{0, 0o755}, Allow},
		{"deletions: a hole is refused", deletes, "fallocate", []uint64{3, unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE, 0, 9}, Errno},
		{"deletions: collapsing is refused", deletes, "fallocate", []uint64{3, unix.FALLOC_FL_COLLAPSE_RANGE, 0, 4096}, Errno},
		{"deletions: zeroing is refused", deletes, "fallocate", []uint64{3, unix.FALLOC_FL_ZERO_RANGE | unix.FALLOC_FL_KEEP_SIZE, 0, 9}, Errno},
		{"deletions: writing zeroes is refused", deletes, "fallocate", []uint64{3, fallocWriteZeroes, 0, 9}, Errno},
		{"deletions: making room is not", deletes, "fallocate", []uint64{3, unix.FALLOC_FL_KEEP_SIZE, 0, 9}, Allow},
		{"deletions: a hole by madvise is refused", deletes, "madvise", []uint64{0, 4096, unix.MADV_REMOVE}, Errno},
		{"deletions: other advice is not", deletes, "madvise", []uint64{0, 4096, unix.MADV_DONTNEED}, Allow},
		{"deletions: a hole by ioctl is refused", deletes, "ioctl", []uint64{3, fsUnresvsp64}, Errno},
		{"deletions: other requests are not", deletes, "ioctl", []uint64{3, unix.TCGETS}, Allow},
		{"without a limit a hole is a write", files, "fallocate", []uint64{3, unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE, 0, 9}, Allow},
		{"metadata: a directory is trapped", metadata, "mkdirat", []uint64{at, 0, 0o755}, Notify},
		{"metadata: a change of mode is", metadata, "fchmod", []uint64{3, 0o644}, Notify},
		{"metadata: opening for writing is not", metadata, "openat", []uint64{at, 0, unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC, 0o644}, Allow},
		{"metadata: nor is creating by its own call", metadata, "creat", []uint64{0, 0o644}, Allow},
		{"metadata: nor is removing", metadata, "unlink", nil, Allow},
		{"metadata: nor is cutting", metadata, "ftruncate", nil, Allow},
		{"metadata: creating set-user-id stays refused", metadata, "openat", []uint64{at, 0, unix.O_CREAT | unix.O_WRONLY, 0o4755}, Errno},
		{"deletions: opening for reading is not", deletes, "open", []uint64{0, unix.O_RDONLY}, Allow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := verdict(t, tt.rules, tt.call, tt.args...); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// A gate never permits what Base refuses and never refuses what it permits,
// but for holes where deletions are counted.
func TestGatesOnlyTrapWhatBaseAllows(t *testing.T) {
	base := Base()
	for _, g := range []Gates{{}, {Exec: true}, {Files: true}, {Deletes: true}, {Metadata: true},
		{Deletes: true, Metadata: true}, {Exec: true, Files: true, Deletes: true}} {
		gated := Gated(g)
		if err := gated.Validate(); err != nil {
			t.Fatalf("%+v: %v", g, err)
		}
		for nr := range int32(600) {
			for _, args := range [][6]uint64{{}, {0, 0, 0, 0o4755}, {0, 0o4755, 0o4755}, {1, unix.O_CREAT, unix.O_CREAT, 0o6000},
				{1, unix.O_RDWR | unix.O_TRUNC, unix.O_WRONLY | unix.O_TRUNC, 0o644}, {2, 1, 0, 0}, {unix.AF_INET, unix.SOCK_STREAM}} {
				c := Call{Nr: nr, Arch: unix.AUDIT_ARCH_X86_64, Args: args}
				b, got := base.Evaluate(c), gated.Evaluate(c)
				hole := g.Deletes && got == errno(unix.EOPNOTSUPP) && (nr == unix.SYS_FALLOCATE || nr == unix.SYS_MADVISE || nr == unix.SYS_IOCTL)
				if got != b && !(b.Kind == Allow && (got.Kind == Notify || hole)) {
					t.Errorf("%+v: call %d %v: %v without and %v with the gate", g, nr, args, b, got)
				}
			}
		}
	}
}
