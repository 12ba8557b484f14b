package supervisor

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"

	"clawjail/supervisor/api"
)

// copyDatabases writes the databases that this process has open to where a
// backup takes them from, and signs where the log stands. Root's alone: who
// copies the state has everything.
func (c *call) copyDatabases() (any, *api.Error) {
	if c.peer.UID != 0 {
		return nil, api.Errorf(http.StatusForbidden, "a backup needs root").WithHint("run the command with sudo")
	}
	dir, err := c.s.copyTo(filepath.Join(c.s.opt.Config.StateDir, "backup"))
	if err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "copy the databases: %v", err)
	}
	c.s.audit.supervisor("backup", "made by "+c.responder())
	if err := c.s.audit.sealer.Seal(c.s.audit.log); err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "sign the audit log: %v", err)
	}
	return api.BackupAnswer{Copies: dir}, nil
}

func (s *Supervisor) copyTo(parent string) (string, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(parent, "copy-")
	if err != nil {
		return "", err
	}
	err = errors.Join(s.approvals.journal.CopyTo(filepath.Join(dir, "state.db")), s.limits.CopyTo(filepath.Join(dir, "limits.db")),
		s.herald.CopyTo(filepath.Join(dir, "notify.db")))
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}
