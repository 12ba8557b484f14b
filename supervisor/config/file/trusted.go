package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Trusted says why an open file is not root's alone, with the command that
// mends it. path is the file's name, whose directories are looked at too.
func Trusted(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	errs := []error{owned(path, info)}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, name := range []string{abs, real} {
		for dir := filepath.Dir(name); !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			info, err := os.Stat(dir)
			if err != nil {
				return err
			}
			errs = append(errs, owned(dir, info))
		}
	}
	return errors.Join(errs...)
}

// owned says what is wrong with the owner and the mode of one file or
// directory.
func owned(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: the owner is not known", path)
	}
	var why, mend []string
	if st.Uid != 0 {
		why = append(why, fmt.Sprintf("belongs to uid %d and not to root", st.Uid))
		mend = append(mend, "chown root:root "+quote(path))
	}
	// Others cannot rename or remove what is root's in a sticky directory.
	sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if by := writers(info.Mode().Perm()); by != "" && !sticky {
		why = append(why, "can be written by "+by)
		mend = append(mend, "chmod go-w "+quote(path))
	}
	if why == nil {
		return nil
	}
	return fmt.Errorf("%s %s; who changes it decides what agents may do\n  mend it: %s", path, strings.Join(why, " and "), strings.Join(mend, " && "))
}

func writers(mode fs.FileMode) string {
	switch mode & 0o022 {
	case 0o020:
		return "its group"
	case 0o002:
		return "everybody"
	case 0o022:
		return "its group and everybody"
	}
	return ""
}

// quote writes a path as a shell takes it.
func quote(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
