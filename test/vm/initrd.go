package main

import (
	"bufio"
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// archive writes cpio in the format that the kernel unpacks ("newc",
// Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w     *bufio.Writer
	inode int
	err   error
}

func (a *archive) add(name string, mode uint32, body []byte) {
	if a.err != nil {
		return
	}
	a.inode++
	_, a.err = fmt.Fprintf(a.w, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.inode, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name)+1, 0, name)
	a.pad(110 + len(name) + 1)
	if a.err == nil {
		_, a.err = a.w.Write(body)
	}
	a.pad(len(body))
}

// pad fills up to a multiple of four after n bytes.
func (a *archive) pad(n int) {
	for ; n%4 != 0 && a.err == nil; n++ {
		a.err = a.w.WriteByte(0)
	}
}

func (a *archive) close() error {
	a.add("TRAILER!!!", 0, nil)
	if a.err != nil {
		return a.err
	}
	return a.w.Flush()
}

// moduleName is the kernel's name of a module file.
func moduleName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// moduleOrder lists the files of the wanted modules, dependencies first. What
// this kernel has built in is not a file, and so not in the list.
func moduleOrder(dir string, wanted []string) ([]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), ".ko") {
			files[moduleName(path)] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var order []string
	seen := map[string]bool{}
	var visit func(name string) error
	visit = func(name string) error {
		if seen[name] || files[name] == "" {
			return nil
		}
		seen[name] = true
		body, err := readModule(files[name])
		if err != nil {
			return err
		}
		deps, err := moduleDeps(body)
		if err != nil {
			return fmt.Errorf("%s: %w", files[name], err)
		}
		for _, d := range deps {
			if err := visit(strings.ReplaceAll(d, "-", "_")); err != nil {
				return err
			}
		}
		order = append(order, files[name])
		return nil
	}
	for _, name := range wanted {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// readModule returns a module's bytes, unpacked.
func readModule(path string) ([]byte, error) {
	switch filepath.Ext(path) {
	case ".xz":
		return exec.Command("xz", "-dc", path).Output()
	case ".zst":
		return exec.Command("zstd", "-dc", path).Output()
	default:
		return os.ReadFile(path)
	}
}

// moduleDeps reads "depends=" of a module's .modinfo section; soft dependencies
// ("softdep=pre: crc32c") are built in or optional for what is used here.
func moduleDeps(body []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, nil
	}
	data, err := section.Data()
	if err != nil {
		return nil, err
	}
	for entry := range bytes.SplitSeq(data, []byte{0}) {
		if list, ok := bytes.CutPrefix(entry, []byte("depends=")); ok && len(list) > 0 {
			return strings.Split(string(list), ","), nil
		}
	}
	return nil, nil
}
