package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"clawjail/audit/escape"
)

// weak says why a password is not good enough. The gateway's program knows: its
// word lists take a tenth of a second to read, and are no business of others.
func (e *env) weak(secret, name string) error {
	if e.judge != nil {
		return e.judge(secret, name)
	}
	if !utf8.ValidString(secret) { // JSON would mend it
		return errors.New("the password is not text")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	in, err := json.Marshal([]string{secret, name})
	if err != nil {
		return err
	}
	program := filepath.Join(filepath.Dir(self), "clawjail-gateway")
	var out bytes.Buffer
	c := exec.Command(program, "judge-password")
	c.Stdin, c.Stderr = bytes.NewReader(in), &bounded{w: &out, left: 4096}
	var exit *exec.ExitError
	switch err := c.Run(); {
	case errors.As(err, &exit) && out.Len() > 0:
		return errors.New(escape.String(strings.TrimSpace(out.String())))
	case err != nil:
		return fmt.Errorf("judge the password with %s: %w", program, err)
	}
	return nil
}
