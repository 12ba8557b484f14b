package stage

import (
	"strings"

	"golang.org/x/sys/unix"
)

// defaultPath is searched when the environment has no PATH.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// lookup finds the file to execute: a name with a slash is itself, any other
// is searched in PATH. The error is ENOENT if there is none, otherwise why the
// first one that was found cannot be executed.
func lookup(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, executable(name)
	}
	missing := error(unix.ENOENT)
	for dir := range strings.SplitSeq(searchPath(env), ":") {
		if !strings.HasPrefix(dir, "/") {
			continue
		}
		file := dir + "/" + name
		err := executable(file)
		if err == nil {
			return file, nil
		}
		if missing == unix.ENOENT && err != unix.ENOENT && err != unix.ENOTDIR {
			missing = err
		}
	}
	return name, missing
}

func searchPath(env []string) string {
	for _, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			return path
		}
	}
	return defaultPath
}

// executable asks the kernel for this user and this mount; a noexec mount is
// EACCES. Landlock has its say only in execve.
func executable(file string) error {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return unix.EACCES
	}
	return unix.Access(file, unix.X_OK)
}
