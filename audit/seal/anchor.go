package seal

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Anchor is a place that keeps checkpoints where the host that wrote the log
// does not rule, or not alone.
type Anchor interface {
	fmt.Stringer
	// Put keeps one line, without its newline.
	Put(line []byte) error
}

// AnchorTimeout bounds how long one anchor may hold up a checkpoint.
const AnchorTimeout = 2 * time.Second

// ParseAnchor reads how an anchor is written in the configuration: "syslog", or
// an absolute path of a file whose directory exists.
func ParseAnchor(s string) (Anchor, error) {
	switch {
	case s == "syslog":
		return syslogAnchor{"/dev/log"}, nil
	case strings.HasPrefix(s, "/") && filepath.Clean(s) == s && s != "/":
		return fileAnchor{s}, nil
	}
	return nil, fmt.Errorf("unknown anchor %q; it is \"syslog\" or the absolute path of a file", s)
}

type fileAnchor struct{ path string }

func (a fileAnchor) String() string { return a.path }

func (a fileAnchor) Put(line []byte) error {
	// The directory is not made: where a disk is not mounted, its anchor must
	// not end up on another.
	f, err := os.OpenFile(a.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(append(append([]byte(nil), line...), '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// syslogAnchor speaks RFC 3164 to the local socket, as the C library does.
type syslogAnchor struct{ socket string }

func (a syslogAnchor) String() string { return "syslog" }

// priority is facility authpriv (10), severity notice (5).
const priority = 10<<3 | 5

func (a syslogAnchor) Put(line []byte) error {
	c, err := net.DialTimeout("unixgram", a.socket, AnchorTimeout)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetWriteDeadline(time.Now().Add(AnchorTimeout)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c, "<%d>%s clawjail[%d]: audit checkpoint %s", priority, time.Now().Format(time.Stamp), os.Getpid(), line)
	return err
}
