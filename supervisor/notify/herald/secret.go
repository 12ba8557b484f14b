package herald

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/config"
	"clawjail/supervisor/config/file"
	"clawjail/supervisor/notify"
)

// The bounds of a secret.
const (
	minSecret = 8
	maxSecret = 4096
)

// route reads what is needed to send over a channel.
func route(c config.Channel) (notify.Route, error) {
	r := notify.Route{Channel: c}
	if c.URLFile != "" {
		b, err := readSecret(c.URLFile)
		if err != nil {
			return r, err
		}
		r.URL = string(b)
		if c.Kind == config.Slack {
			if err := config.CheckURL(r.URL); err != nil {
				return r, fmt.Errorf("%s holds no URL that messages can be sent to: it is https, or an address of this host", c.URLFile)
			}
		}
	}
	if c.SecretFile != "" {
		b, err := readSecret(c.SecretFile)
		if err != nil {
			return r, err
		}
		// The form that standardwebhooks.com gives keys.
		if rest, ok := strings.CutPrefix(string(b), "whsec_"); ok && c.Kind == config.Webhook {
			if b, err = base64.StdEncoding.DecodeString(rest); err != nil {
				return r, fmt.Errorf("%s: after whsec_ comes base64", c.SecretFile)
			}
		}
		r.Secret = b
	}
	return r, nil
}

// readSecret reads a secret that nobody but root can read or change.
func readSecret(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%s is a link; name the file itself", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read a secret: %w", err)
	}
	defer f.Close()
	if err := file.Trusted(f, path); err != nil {
		return nil, fmt.Errorf("the secret is not to be trusted: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := st.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s (mode %#o) can be read by others: it is no secret any more\n  replace it, then: chmod 600 %s", path, mode, path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(b), "\r\n")
	if len(text) < minSecret || len(b) > maxSecret || strings.ContainsAny(text, "\x00\r\n") {
		return nil, fmt.Errorf("%s: a secret is one line of %d to %d bytes", path, minSecret, maxSecret)
	}
	return []byte(text), nil
}
