package stage

import (
	"fmt"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// MaxLandlockABI is the newest Landlock ABI whose rights are used. A newer
// kernel enforces the rights of this one.
const MaxLandlockABI = 8

const (
	writeRights = ll.AccessFSWriteFile | ll.AccessFSRemoveDir | ll.AccessFSRemoveFile |
		ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSock | ll.AccessFSMakeFifo | ll.AccessFSMakeSym |
		ll.AccessFSRefer | ll.AccessFSIoctlDev
	// deviceRights are handled and never granted.
	deviceRights = ll.AccessFSMakeChar | ll.AccessFSMakeBlock
	// fileRights are those that a rule on anything but a directory may have:
	// security/landlock/fs.c:ACCESS_FILE.
	fileRights = ll.AccessFSExecute | ll.AccessFSWriteFile | ll.AccessFSIoctlDev
)

// landlockAttr returns what is handled, that is forbidden unless a rule allows
// it, at an ABI: Documentation/userspace-api/landlock.rst, "Previous
// limitations". Reading and truncating are not: see the package's decisions.
func landlockAttr(abi int) ll.RulesetAttr {
	attr := ll.RulesetAttr{HandledAccessFS: (ll.AccessFSExecute | writeRights | deviceRights) &^ (ll.AccessFSRefer | ll.AccessFSIoctlDev)}
	if abi >= 2 {
		attr.HandledAccessFS |= ll.AccessFSRefer
	}
	if abi >= 5 {
		attr.HandledAccessFS |= ll.AccessFSIoctlDev
	}
	if abi >= 6 {
		attr.Scoped = ll.ScopeAbstractUnixSocket | ll.ScopeSignal
	}
	return attr
}

// landlockRights translates a rule for a file or directory.
func landlockRights(r jail.PathRule, dir bool, handled uint64) uint64 {
	rights := uint64(0)
	if r.Write {
		rights |= writeRights
	}
	if r.Exec {
		rights |= ll.AccessFSExecute
	}
	if !dir {
		rights &= fileRights
	}
	return rights & handled
}

// restrictFiles puts the calling thread under the rules, for good. It returns
// the path that failed, if one did.
func restrictFiles(rules []jail.PathRule, abi int) (path string, err error) {
	if abi == 0 {
		return "", nil
	}
	have, err := ll.LandlockGetABIVersion()
	if err != nil {
		return "", fmt.Errorf("the kernel has no Landlock: %w", err)
	}
	if have < abi {
		return "", fmt.Errorf("the kernel has Landlock ABI %d, the jail needs %d: %w", have, abi, unix.EOPNOTSUPP)
	}
	attr := landlockAttr(min(abi, MaxLandlockABI))
	ruleset, err := ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return "", fmt.Errorf("create ruleset: %w", err)
	}
	defer unix.Close(ruleset)
	for _, r := range rules {
		if err := addRule(ruleset, r, attr.HandledAccessFS); err != nil {
			return r.Path, err
		}
	}
	if err := ll.LandlockRestrictSelf(ruleset, 0); err != nil {
		return "", fmt.Errorf("restrict: %w", err)
	}
	return "", nil
}

func addRule(ruleset int, r jail.PathRule, handled uint64) error {
	fd, err := unix.Open(r.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	dir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	if r.Dir && !dir {
		return unix.ENOTDIR
	}
	rule := ll.PathBeneathAttr{AllowedAccess: landlockRights(r, dir, handled), ParentFd: fd}
	if rule.AllowedAccess == 0 {
		return nil // only to be read; the kernel refuses a rule that grants nothing
	}
	return ll.LandlockAddPathBeneathRule(ruleset, &rule, 0)
}
