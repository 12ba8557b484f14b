package bpf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// identifier asks the kernel who an open file is. Loaded when it is first needed.
type identifier struct {
	objects *ebpf.Collection
	link    *link.Iter
}

// Identify says who a file is, as the verifier will see it. The file is one of
// this process's, which must be in the host's pid namespace; O_PATH is enough.
func (p *Probes) Identify(f *os.File) (FileID, error) {
	var id FileID
	err := withFD(f, func(fd int) error {
		plain, err := Plain(fd)
		switch {
		case err != nil:
			return err
		case plain:
			id, err = identifyByStat(fd)
		default:
			id, err = p.IdentifyFD(fd)
		}
		return err
	})
	if err != nil {
		return FileID{}, fmt.Errorf("identify %q: %w", f.Name(), err)
	}
	return id, nil
}

// Plain reports whether the file system of a descriptor shows in stat(2) what is
// in the inode. Then a FileID can be made of that.
func Plain(fd int) (bool, error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return false, os.NewSyscallError("fstatfs", err)
	}
	return tellsTheTruth(fs.Type), nil
}

// tellsTheTruth names the file systems whose stat(2) shows what is in the
// inode. overlayfs and btrfs do not; of others it is not known.
func tellsTheTruth(magic int64) bool {
	switch magic {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.SQUASHFS_MAGIC, unix.EROFS_SUPER_MAGIC_V1:
		return true
	}
	return false
}

func identifyByStat(fd int) (FileID, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return FileID{}, os.NewSyscallError("fstat", err)
	}
	return FileID{Dev: kernelDev(st.Dev), Ino: st.Ino, CtimeNS: st.Ctim.Nano(), Size: st.Size}, nil
}

// kernelDev turns the device number of stat into the kernel's own.
func kernelDev(dev uint64) uint64 {
	return uint64(unix.Major(dev))<<20 | uint64(unix.Minor(dev))
}

// IdentifyFD asks the kernel itself who the file of a descriptor is, by a walk
// over the open files of all processes, which stops for ours.
func (p *Probes) IdentifyFD(fd int) (id FileID, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return FileID{}, ErrClosed
	}
	if p.identify.link == nil {
		if err := p.identify.load(); err != nil {
			return FileID{}, errors.Join(err, p.identify.close())
		}
	}
	m := p.identify.objects.Maps[identifyMapIdentities]
	v := identifyIdentity{Tgid: int32(os.Getpid()), Fd: uint32(fd)}
	if err := m.Put(uint32(0), v); err != nil {
		return FileID{}, err
	}
	walk, err := p.identify.link.Open()
	if err != nil {
		return FileID{}, err
	}
	defer func() { err = errors.Join(err, walk.Close()) }()
	if _, err := io.Copy(io.Discard, walk); err != nil {
		return FileID{}, err
	}
	if err := m.Lookup(uint32(0), &v); err != nil {
		return FileID{}, err
	}
	if v.Found == 0 {
		return FileID{}, errors.New("not found among the open files of this process")
	}
	return FileID{Dev: v.Id.Dev, Ino: v.Id.Ino, CtimeNS: v.Id.Ctime, Size: v.Id.Size}, nil
}

func (i *identifier) load() error {
	spec, err := loadIdentify()
	if err != nil {
		return fmt.Errorf("identify object: %w", err)
	}
	// What the shared headers declare and this program does not use.
	for name := range spec.Maps {
		if name != identifyMapIdentities && name != ".rodata" {
			delete(spec.Maps, name)
		}
	}
	i.objects, err = ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: btf.NewCache()})
	if err != nil {
		return fmt.Errorf("identify object: %w", err)
	}
	i.link, err = link.AttachIter(link.IterOptions{Program: i.objects.Programs[identifyProgIdentify]})
	return err
}

func (i *identifier) close() error {
	var err error
	if i.link != nil {
		err = i.link.Close()
	}
	if i.objects != nil {
		i.objects.Close()
	}
	*i = identifier{}
	return err
}

// directoryOf is the working directory of a thread.
func (p *Probes) directoryOf(tid int32) (dev, ino uint64, err error) {
	f, err := os.OpenFile("/proc/"+strconv.Itoa(int(tid))+"/cwd", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	id, err := p.Identify(f)
	return id.Dev, id.Ino, err
}
