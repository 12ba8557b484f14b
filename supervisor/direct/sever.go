package direct

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// Sever resets every TCP connection that leads out of a jail, and gives their number.
// The jail stands still: it makes no new ones, and what it had sent goes no further.
// It needs nobody's cooperation: the kernel ends the sockets in the jail's network
// namespace, those of the egress proxy among them.
func Sever(j Jail) (int, error) {
	c, err := jail.OpenCgroup(j.Path)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	pids, err := c.Procs()
	if err != nil || len(pids) == 0 {
		return 0, err
	}
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pids[0]))
	if err != nil {
		return 0, err
	}
	defer ns.Close()
	if err := foreign(ns); err != nil {
		return 0, err
	}
	// The number may have been another process's when it was opened.
	if now, err := c.Procs(); err != nil || !slices.Contains(now, pids[0]) {
		return 0, errors.Join(err, fmt.Errorf("process %d has left the jail", pids[0]))
	}
	type answer struct {
		n   int
		err error
	}
	got := make(chan answer, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			got <- answer{err: os.NewSyscallError("setns", err)}
			return
		}
		n, err := reset()
		got <- answer{n, err}
	}()
	a := <-got
	return a.n, a.err
}

// foreign refuses the host's own network.
func foreign(ns *os.File) error {
	theirs, err := ns.Stat()
	if err != nil {
		return err
	}
	// A supervisor that is a service has a network of its own.
	for _, process := range []string{"self", "1"} {
		ours, err := os.Stat("/proc/" + process + "/ns/net")
		if process == "1" && errors.Is(err, os.ErrPermission) {
			return nil // in a container: nobody here can enter that network
		}
		if err != nil {
			return err
		}
		if os.SameFile(theirs, ours) {
			return errors.New("the process is in the host's network: nothing is reset there")
		}
	}
	return nil
}

// What include/uapi/linux/sock_diag.h and inet_diag.h say.
const (
	sockDestroy = 21 // SOCK_DESTROY, since 4.5 (CONFIG_INET_DIAG_DESTROY)
	idBytes     = 48 // struct inet_diag_sockid
	requestSize = 8 + idBytes
	answerSize  = 4 + idBytes + 20
	tcpTimeWait = 6 // include/net/tcp_states.h
	tcpListen   = 10
	// maxRounds bounds how often it is looked again for what was just being made.
	maxRounds = 8
	maxPacket = 64 << 10
)

// socketID is struct inet_diag_sockid as the kernel gave it.
type socketID [idBytes]byte

// reset ends connections in this thread's network namespace until there are none.
func reset() (total int, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	for range maxRounds {
		ended := 0
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			ids, err := connections(fd, family)
			if errors.Is(err, unix.ENOENT) {
				return total, errors.New("this kernel cannot list connections: it needs tcp_diag (modprobe tcp_diag)")
			}
			if err != nil {
				return total, fmt.Errorf("list the jail's connections: %w", err)
			}
			for _, id := range ids {
				switch err := destroy(fd, family, id); {
				case errors.Is(err, unix.ENOENT): // it has ended
				case errors.Is(err, unix.EOPNOTSUPP):
					return total, errors.New("this kernel cannot reset connections (CONFIG_INET_DIAG_DESTROY)")
				case err != nil:
					return total, fmt.Errorf("reset a connection of the jail: %w", err)
				default:
					ended++
				}
			}
		}
		if total += ended; ended == 0 {
			return total, nil
		}
	}
	return total, errors.New("connections of the jail come back all the time")
}

// connections lists those that are not within the jail.
func connections(fd int, family uint8) ([]socketID, error) {
	states := uint32(0xfff) &^ (1<<tcpListen | 1<<tcpTimeWait)
	if err := ask(fd, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP, family, states, socketID{}); err != nil {
		return nil, err
	}
	var out []socketID
	for {
		done, err := answers(fd, func(body []byte) {
			if len(body) < answerSize {
				return
			}
			id := socketID(body[4 : 4+idBytes])
			if !id.inside(family) {
				out = append(out, id)
			}
		})
		if err != nil || done {
			return out, err
		}
	}
}

// inside reports whether both ends are of the jail's own loopback.
func (id socketID) inside(family uint8) bool {
	size := 4
	if family == unix.AF_INET6 {
		size = 16
	}
	from, _ := netip.AddrFromSlice(id[4 : 4+size])
	to, _ := netip.AddrFromSlice(id[20 : 20+size])
	return from.Unmap().IsLoopback() && to.Unmap().IsLoopback()
}

func destroy(fd int, family uint8, id socketID) error {
	if err := ask(fd, sockDestroy, unix.NLM_F_ACK, family, 0xffffffff, id); err != nil {
		return err
	}
	_, err := answers(fd, func([]byte) {})
	return err
}

// ask sends a request about sockets.
func ask(fd int, kind, flags uint16, family uint8, states uint32, id socketID) error {
	b := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+requestSize)
	binary.NativeEndian.PutUint32(b, unix.NLMSG_HDRLEN+requestSize)
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|flags)
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, states)
	b = append(b, id[:]...)
	return os.NewSyscallError("sendto", unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
}

// answers reads one packet of the kernel's. done is the end of a list, or a word that
// nothing went wrong.
func answers(fd int, take func(body []byte)) (done bool, err error) {
	b := make([]byte, maxPacket)
	n, _, err := unix.Recvfrom(fd, b, 0)
	if err != nil {
		return false, os.NewSyscallError("recvfrom", err)
	}
	for b = b[:n]; len(b) >= unix.NLMSG_HDRLEN; {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return false, errors.New("an answer of the kernel that is cut")
		}
		body := b[unix.NLMSG_HDRLEN:size]
		switch binary.NativeEndian.Uint16(b[4:]) {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			if len(body) < 4 {
				return false, errors.New("an answer of the kernel that is cut")
			}
			if code := int32(binary.NativeEndian.Uint32(body)); code != 0 {
				return false, unix.Errno(-code)
			}
			return true, nil
		default:
			take(body)
		}
		b = b[min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b)):]
	}
	return false, nil
}
