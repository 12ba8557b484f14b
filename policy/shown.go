package policy

import (
	"errors"
	"fmt"
	"slices"
)

// ours are the directories of clawjail itself. A jail never sees them.
var ours = [...]string{"/etc/clawjail", "/run/clawjail", "/var/lib/clawjail", "/var/run/clawjail"}

// stored is where the copies of installed skills are, which jails are shown for
// reading: the one part of clawjail's own state that is made for them.
const stored = "/var/lib/clawjail/skills/store"

// Hidden lists the directories that stay hidden whatever a policy lists above
// them: clawjail's own state.
func Hidden() []string { return slices.Clone(ours[:]) }

// made are the trees that the jail makes for itself and that no rule can list.
var made = [...]string{"/proc", "/sys", "/dev"}

// system are trees that no jail writes to, below them included: what runs
// from there runs outside of jails as well.
var system = [...]string{
	"/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/usr",
}

// roots hold the trees of others, or of all: they are not writable as a whole.
var roots = [...]string{"/home", "/opt", "/root", "/run", "/srv", "/var", "/var/lib", "/var/run", "/var/log", "/mnt", "/media"}

// CheckShown says why a path cannot be listed with this access.
func CheckShown(path string, a Access) error {
	if path == "/" {
		return errors.New(`path "/" is the whole host: list what the agent needs`)
	}
	for _, dir := range ours {
		if Below(path, dir) && a != AccessNone && !(a == AccessRead && Below(path, stored) && path != stored) {
			return fmt.Errorf("path %q is clawjail's own and never shown to a jail", path)
		}
	}
	for _, dir := range made {
		if Below(path, dir) && !(path == "/dev/shm" && a == AccessPrivate) {
			return fmt.Errorf("path %q cannot be listed: every jail has its own %s", path, dir)
		}
	}
	if a != AccessWrite {
		return nil
	}
	return CheckWritable(path)
}

// CheckWritable says why a path cannot be writable inside a jail: it holds the
// system, or more than one tree.
func CheckWritable(path string) error {
	if path == "/" {
		return errors.New(`"/" is the whole host`)
	}
	for _, dir := range system {
		if Below(path, dir) {
			return fmt.Errorf("%q is part of the system and cannot be writable in a jail", path)
		}
	}
	for _, dir := range made {
		if Below(path, dir) {
			return fmt.Errorf("%q is the kernel's and cannot be writable in a jail", path)
		}
	}
	for _, dir := range ours {
		if Below(path, dir) || Below(dir, path) && path != "/etc" {
			return fmt.Errorf("%q holds clawjail's own state and cannot be writable in a jail", path)
		}
	}
	for _, dir := range roots {
		if path == dir {
			return fmt.Errorf("%q holds more than one tree and cannot be writable in a jail as a whole", path)
		}
	}
	return nil
}

// credentials lists where secrets lie below a home directory.
var credentials = [...]string{
	".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker", ".password-store", ".netrc", ".npmrc",
	".pypirc", ".git-credentials", ".vault-token", ".terraform.d", ".gem/credentials",
	".cargo/credentials", ".cargo/credentials.toml", ".config/gcloud", ".config/gh", ".config/hub",
	".config/git/credentials", ".config/op", ".config/rclone", ".config/google-chrome",
	".config/chromium", ".config/BraveSoftware", ".mozilla", ".thunderbird",
	".local/share/keyrings", ".local/share/kwalletd", ".bitcoin", ".ethereum", ".electrum",
	".bash_history", ".zsh_history", ".python_history", ".node_repl_history", ".psql_history",
	".mysql_history", ".lesshst",
}

// Credentials lists paths below a home directory that hold secrets. They are
// hidden when a policy lists a tree above them, unless it lists them by name.
func Credentials() []string { return slices.Clone(credentials[:]) }
