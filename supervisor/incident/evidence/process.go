package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The bounds of what is taken from processes.
const (
	MaxProcesses   = 4096
	maxProcFile    = 4 << 20  // of one file in /proc/PID
	maxFDs         = 4096     // of one process
	maxCopyBytes   = 64 << 20 // of one file that is copied
	maxCopiesBytes = 512 << 20
	maxMemoryBytes = 1 << 30 // of one process
)

// Processes takes processes as they stand. Redact takes secrets out of a text;
// memory names those whose memory is taken as well.
type Processes struct {
	Redact func(string) string
	Memory []int

	copied int64
	exes   map[string]bool // by hash: the same program is taken once
	nets   map[string]bool // network namespaces that were taken
}

// Take takes every process of pids.
func (p *Processes) Take(w *Writer, pids []int) {
	p.exes, p.nets = make(map[string]bool), make(map[string]bool)
	slices.Sort(pids)
	if len(pids) > MaxProcesses {
		w.Fail("processes", fmt.Errorf("%d processes; the first %d were taken", len(pids), MaxProcesses))
		pids = pids[:MaxProcesses]
	}
	for _, pid := range pids {
		root, err := os.OpenRoot(filepath.Join("/proc", strconv.Itoa(pid)))
		if err != nil {
			w.Fail(fmt.Sprintf("process %d", pid), err)
			continue
		}
		p.one(w, pid, root)
		root.Close()
	}
}

// one takes one process.
func (p *Processes) one(w *Writer, pid int, root *os.Root) {
	dir := fmt.Sprintf("processes/%d/", pid)
	src := fmt.Sprintf("/proc/%d/", pid)
	for _, name := range [...]string{"status", "stat", "maps", "limits", "cgroup", "mountinfo", "syscall", "wchan", "uid_map", "gid_map", "io"} {
		p.copyProc(w, root, name, dir+name, src+name, nil)
	}
	p.copyProc(w, root, "cmdline", dir+"cmdline", src+"cmdline", p.Redact)
	p.copyProc(w, root, "environ", dir+"environ", src+"environ", p.Redact)
	links := make(map[string]string)
	for _, name := range [...]string{"exe", "cwd", "root", "ns/net", "ns/mnt", "ns/pid", "ns/user", "ns/cgroup", "ns/ipc", "ns/uts"} {
		link, err := root.Readlink(name)
		if err != nil {
			w.Fail(src+name, err)
			continue
		}
		links[name] = link
	}
	w.AddJSON(dir+"links.json", links)
	p.exe(w, root, dir, src)
	p.fds(w, root, dir, src)
	if ns := links["ns/net"]; ns != "" && !p.nets[ns] {
		p.nets[ns] = true
		for _, name := range [...]string{"tcp", "tcp6", "udp", "udp6", "unix", "route", "dev"} {
			p.copyProc(w, root, "net/"+name, fmt.Sprintf("network/%s/%s", strings.Trim(ns, "net:[]"), name), src+"net/"+name, nil)
		}
	}
	if slices.Contains(p.Memory, pid) {
		p.memory(w, root, dir, src)
	}
}

// copyProc copies a file of /proc, whose size is not known before.
func (p *Processes) copyProc(w *Writer, root *os.Root, name, to, src string, redact func(string) string) {
	f, err := root.Open(name)
	if err != nil {
		w.Fail(src, err)
		return
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxProcFile+1))
	if err != nil {
		w.Fail(src, err)
		return
	}
	note := ""
	if len(b) > maxProcFile {
		b, note = b[:maxProcFile], "cut at the limit"
	}
	if redact != nil {
		// One string at a time: a name must not reach over to the next value.
		parts := strings.Split(string(b), "\x00")
		for i, s := range parts {
			parts[i] = redact(s)
		}
		if joined := strings.Join(parts, "\x00"); joined != string(b) {
			b, note = []byte(joined), strings.TrimPrefix(note+", secrets redacted", ", ")
		}
	}
	w.Add(to, b, src, note)
}

// exe takes the program, once for each content.
func (p *Processes) exe(w *Writer, root *os.Root, dir, src string) {
	f, err := os.Open(src + "exe") // a magic link: to the very file that runs, deleted or not
	if err != nil {
		w.Fail(src+"exe", err)
		return
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		w.Fail(src+"exe", err)
		return
	}
	key := fmt.Sprintf("%d-%d", st.Dev, st.Ino)
	w.AddJSON(dir+"exe.json", map[string]any{"dev": st.Dev, "ino": st.Ino, "size": st.Size, "mode": fmt.Sprintf("%#o", st.Mode), "links": st.Nlink, "member": "programs/" + key})
	if !p.exes[key] {
		p.exes[key] = true
		p.copyFile(w, f, st.Size, "programs/"+key, src+"exe")
	}
}

// copyFile copies a regular file, within the bounds of all copies, and reports
// whether it did.
func (p *Processes) copyFile(w *Writer, f io.Reader, size int64, to, src string) bool {
	note := ""
	if size > maxCopyBytes {
		size, note = maxCopyBytes, fmt.Sprintf("cut at %d bytes", int64(maxCopyBytes))
	}
	if p.copied+size > maxCopiesBytes {
		w.Fail(src, fmt.Errorf("not copied: copies of files have %d bytes already", p.copied))
		return false
	}
	if !w.fits(src, size) {
		return false
	}
	p.copied += size
	w.AddReader(to, f, size, src, note)
	return true
}

// fds takes what is open, and copies what is open and has no name any more.
func (p *Processes) fds(w *Writer, root *os.Root, dir, src string) {
	d, err := root.Open("fd")
	if err != nil {
		w.Fail(src+"fd", err)
		return
	}
	names, err := d.Readdirnames(maxFDs + 1)
	d.Close()
	if err != nil && !errors.Is(err, io.EOF) {
		w.Fail(src+"fd", err)
	}
	if len(names) > maxFDs {
		w.Fail(src+"fd", fmt.Errorf("more than %d descriptors; the rest is not here", maxFDs))
		names = names[:maxFDs]
	}
	slices.SortFunc(names, func(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) })
	type open struct {
		FD   string `json:"fd"`
		Link string `json:"link"`
		Info string `json:"info"`
		Copy string `json:"copy,omitempty"`
	}
	var list []open
	for _, n := range names {
		o := open{FD: n}
		if o.Link, err = root.Readlink("fd/" + n); err != nil {
			w.Fail(src+"fd/"+n, err)
			continue
		}
		if info, err := root.ReadFile("fdinfo/" + n); err == nil {
			o.Info = string(bytes.TrimSpace(info[:min(len(info), 4096)]))
		}
		if strings.HasSuffix(o.Link, " (deleted)") {
			o.Copy = p.deleted(w, n, dir, src)
		}
		list = append(list, o)
	}
	w.AddJSON(dir+"fds.json", list)
}

// deleted copies an open file that has no name any more.
func (p *Processes) deleted(w *Writer, fd, dir, src string) string {
	f, err := os.OpenFile(src+"fd/"+fd, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		w.Fail(src+"fd/"+fd, err)
		return ""
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return ""
	}
	to := dir + "deleted/" + fd
	p.copyFile(w, f, st.Size(), to, src+"fd/"+fd)
	return to
}

// memory takes what a process has in memory: every mapping that it can write,
// and where each was.
func (p *Processes) memory(w *Writer, root *os.Root, dir, src string) {
	maps, err := root.ReadFile("maps")
	if err != nil {
		w.Fail(src+"maps", err)
		return
	}
	mem, err := root.Open("mem")
	if err != nil {
		w.Fail(src+"mem", err)
		return
	}
	defer mem.Close()
	var taken int64
	for line := range strings.Lines(string(maps)) {
		var from, to uint64
		var perms string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &perms); n != 3 || !strings.HasPrefix(perms, "rw") || to <= from || to > 1<<63-1 {
			continue
		}
		size := int64(to - from)
		if taken+size > maxMemoryBytes {
			w.Fail(src+"mem", fmt.Errorf("%d bytes were taken; the mapping at %#x of %d bytes and what follows was not", taken, from, size))
			return
		}
		taken += size
		w.AddReader(fmt.Sprintf("%smemory/%016x", dir, from), io.NewSectionReader(mem, int64(from), size), size, src+"mem", strings.TrimSpace(line))
	}
}
