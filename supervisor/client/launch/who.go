package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"clawjail/supervisor/config/source"
)

// agentHome is the home of an agent whose user has none on the host. It exists
// only in the jail.
const agentHome = "/home/agent"

// identity is who the agent will be.
type identity struct {
	uid, gid   uint32
	name, home string
	idmap      bool // the workspace belongs to root and is shown as the agent's
}

// resolve decides who the agent runs as: --user, else the caller of sudo, else
// the caller, else the owner of the workspace, else a user made for agents.
func resolve(o Options, workspace string) (identity, error) {
	switch {
	case o.User != "":
		return named(o.User)
	case o.EUID == 0 && o.SudoUID != "" && o.SudoUID != "0":
		return byNumber(o.SudoUID, o.SudoGID)
	case o.EUID != 0:
		return byNumber(strconv.Itoa(o.EUID), "")
	}
	info, err := os.Stat(workspace)
	if err != nil {
		return identity{}, workspaceError(workspace, err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, fmt.Errorf("workspace %q: its owner cannot be found out", workspace)
	}
	if st.Uid != 0 {
		return byNumber(strconv.FormatUint(uint64(st.Uid), 10), strconv.FormatUint(uint64(st.Gid), 10))
	}
	f, _, err := source.InForce(o.Config, nil)
	if err != nil {
		return identity{}, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	return identity{uid: f.Config.AgentUID, gid: f.Config.AgentGID, name: "agent", home: agentHome, idmap: true}, nil
}

// named looks up a user by name or number.
func named(who string) (identity, error) {
	if _, err := strconv.ParseUint(who, 10, 32); err == nil {
		return byNumber(who, "")
	}
	u, err := user.Lookup(who)
	if err != nil {
		return identity{}, fmt.Errorf("--user %s: there is no such user; give one of /etc/passwd, or a number", who)
	}
	return fromUser(u)
}

// byNumber makes an identity of a number. A number without an entry in
// /etc/passwd is fine, and has a group of the same number.
func byNumber(uid, gid string) (identity, error) {
	n, err := strconv.ParseUint(uid, 10, 32)
	if err != nil {
		return identity{}, fmt.Errorf("user id %q: %w", uid, err)
	}
	if u, err := user.LookupId(uid); err == nil {
		return fromUser(u)
	}
	id := identity{uid: uint32(n), gid: uint32(n), name: "agent", home: agentHome}
	if g, err := strconv.ParseUint(gid, 10, 32); err == nil && g != 0 {
		id.gid = uint32(g)
	}
	return id.check()
}

func fromUser(u *user.User) (identity, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return identity{}, fmt.Errorf("user %s: uid %q: %w", u.Username, u.Uid, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return identity{}, fmt.Errorf("user %s: gid %q: %w", u.Username, u.Gid, err)
	}
	id := identity{uid: uint32(uid), gid: uint32(gid), name: u.Username, home: u.HomeDir}
	if id.home == "" || id.home == "/" || id.home == "/nonexistent" {
		id.home = agentHome
	}
	return id.check()
}

// check refuses root, in user and group alike.
func (id identity) check() (identity, error) {
	if id.uid == 0 {
		return identity{}, errors.New("an agent never runs as root\n  give it a user: --user NAME, or start clawjail with sudo from that user's login")
	}
	if id.gid == 0 {
		return identity{}, fmt.Errorf("user %s has the group root, which an agent never gets\n  give it another user: --user NAME", id.name)
	}
	return id, nil
}

func workspaceError(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("workspace %q does not exist\n  make it (mkdir -p) or name another: --workspace DIR", path)
	}
	return fmt.Errorf("workspace %q: %w", path, err)
}
