package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	agefile "filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"clawjail/audit/escape"
	"clawjail/audit/seal"
	"clawjail/supervisor/backup"
	"clawjail/supervisor/client"
	"clawjail/supervisor/config"
	"clawjail/supervisor/direct"
)

// secretFlags say how a backup is encrypted.
type secretFlags struct {
	recipients, identities []string
	passphrase             string // a file
}

// minPassphrase is the least length of one, in bytes.
const minPassphrase = 12

func newBackupCommand(e *env) *cobra.Command {
	var f secretFlags
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write state, keys, policies, configuration and the log into one encrypted file",
		Long: `backup writes everything that clawjail keeps on this host into FILE: the audit
log with its keys and checkpoints, incidents with their evidence, what is held
and remembered, and /etc/clawjail. It is an age file (https://age-encryption.org),
encrypted with a passphrase or for recipients, and signed with the key of the
audit log. A supervisor may go on meanwhile. The output of jails is left out.`,
		Example: `  sudo clawjail backup /mnt/usb/host1.clawjail
  sudo clawjail backup --recipient age1… /mnt/backup/host1.clawjail`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return makeBackup(c.Context(), e, f, args[0]) },
	}
	c.Flags().StringArrayVarP(&f.recipients, "recipient", "r", nil, "an age recipient (age1…) instead of a passphrase")
	c.Flags().StringVar(&f.passphrase, "passphrase-file", "", "file with the passphrase on its first line")
	return c
}

func newRestoreCommand(e *env) *cobra.Command {
	var f secretFlags
	var keys []string
	var force bool
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of this host's state",
		Long: `restore decrypts FILE into a directory of its own, holds every file against the
signed manifest, verifies the log, and only then exchanges all of it with what is
there, which is kept beside it. It is refused while a supervisor runs, and when
this host's log is newer than the backup, or another one.`,
		Example: `  sudo clawjail restore /mnt/usb/host1.clawjail
  sudo clawjail restore --identity key.txt /mnt/backup/host1.clawjail`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o, err := (&verifyFlags{keys: keys}).options()
			if err != nil && len(keys) > 0 {
				return err
			}
			t := target(force)
			if len(keys) > 0 {
				t.Keys = o.Keys
			}
			return restoreBackup(c.Context(), e, f, t, args[0])
		},
	}
	c.Flags().StringArrayVarP(&f.identities, "identity", "i", nil, "file with an age identity instead of a passphrase")
	c.Flags().StringVar(&f.passphrase, "passphrase-file", "", "file with the passphrase on its first line")
	c.Flags().StringArrayVar(&keys, "key", nil, "public key that must have signed the backup (default: this host's; without one the backup's own)")
	c.Flags().BoolVar(&force, "force", false, "replace a state that is newer or another one, too")
	return c
}

// The directories of a host.
const defaultStateDir = "/var/lib/clawjail"

func target(force bool) backup.Target {
	return backup.Target{State: defaultStateDir, Config: filepath.Dir(config.DefaultPath), Lock: client.DefaultSocket + ".lock", Force: force}
}

func needRoot(what string) error {
	if os.Geteuid() != 0 {
		return errors.New(what + " needs root\n  run the command with sudo")
	}
	return nil
}

func makeBackup(ctx context.Context, e *env, f secretFlags, path string) error {
	if err := needRoot("a backup"); err != nil {
		return err
	}
	to, err := f.to()
	if err != nil {
		return err
	}
	key, err := seal.Load(filepath.Join(defaultStateDir, "keys"))
	if err != nil {
		return fmt.Errorf("sign the backup: %w", err)
	}
	s := backup.Source{State: defaultStateDir, Config: filepath.Dir(config.DefaultPath), Version: version, Boot: bootID()}
	s.Copies, err = client.Client{Socket: e.socket}.CopyDatabases(ctx)
	switch {
	case isNotRunning(err):
		lock, err := backup.Hold(client.DefaultSocket + ".lock")
		if err != nil {
			return err
		}
		defer lock.Close()
	case err != nil:
		return err
	default:
		defer os.RemoveAll(s.Copies)
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	m, err := backup.Write(ctx, out, s, to, key)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s: %d entries, %d bytes, signed by key %s\n", path, len(m.Entries), info.Size(), key.Public().ID())
	return nil
}

func restoreBackup(ctx context.Context, e *env, f secretFlags, t backup.Target, path string) error {
	if err := needRoot("restoring a backup"); err != nil {
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	jails, err := direct.Jails(direct.Parent)
	if err != nil {
		return err
	}
	if len(jails) > 0 && !t.Force {
		return fmt.Errorf("%d jails are there, which belong to the state that would be replaced\n  clawjail kill them first", len(jails))
	}
	ids, err := f.from()
	if err != nil {
		return err
	}
	r, err := backup.Restore(ctx, bufio.NewReader(in), t, ids)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "restored %d entries of host %s, made %s; the log has %d records and proves itself\n", len(r.Manifest.Entries),
		escape.String(r.Manifest.Host), r.Manifest.Created.Local().Format("2006-01-02 15:04:05"), r.Log.Records)
	if r.OwnKeys {
		fmt.Fprintln(e.stdout, "nothing but the backup itself vouches for its signature: hold `clawjail audit key` against what you know")
	}
	for _, b := range r.Before {
		fmt.Fprintf(e.stdout, "what was there: %s\n", b)
	}
	return nil
}

// to are who can read a backup.
func (f secretFlags) to() ([]agefile.Recipient, error) {
	if len(f.recipients) > 0 && f.passphrase != "" {
		return nil, errors.New("either --recipient or --passphrase-file")
	}
	var out []agefile.Recipient
	for _, s := range f.recipients {
		r, err := agefile.ParseX25519Recipient(s)
		if err != nil {
			return nil, fmt.Errorf("--recipient %q: %w", s, err)
		}
		out = append(out, r)
	}
	if out != nil {
		return out, nil
	}
	p, err := f.secret(true)
	if err != nil {
		return nil, err
	}
	r, err := agefile.NewScryptRecipient(p)
	return []agefile.Recipient{r}, err
}

// from is what reads a backup.
func (f secretFlags) from() ([]agefile.Identity, error) {
	var out []agefile.Identity
	for _, path := range f.identities {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		ids, err := agefile.ParseIdentities(io.LimitReader(file, 64<<10))
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("--identity %s: %w", path, err)
		}
		out = append(out, ids...)
	}
	if out != nil {
		return out, nil
	}
	p, err := f.secret(false)
	if err != nil {
		return nil, err
	}
	id, err := agefile.NewScryptIdentity(p)
	return []agefile.Identity{id}, err
}

// secret reads a passphrase, from a file or from whoever sits here.
func (f secretFlags) secret(fresh bool) (string, error) {
	if f.passphrase != "" {
		b, err := os.ReadFile(f.passphrase)
		if err != nil {
			return "", err
		}
		line, _, _ := strings.Cut(string(b), "\n")
		return line, longEnough(line, fresh)
	}
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", errors.New("nobody is here to type a passphrase\n  use --passphrase-file, or --recipient and --identity")
	}
	one, err := ask(fd, "Passphrase: ")
	if err != nil || !fresh {
		return one, err
	}
	if err := longEnough(one, fresh); err != nil {
		return "", err
	}
	two, err := ask(fd, "Once more: ")
	if err == nil && one != two {
		err = errors.New("the two are not the same")
	}
	return one, err
}

func ask(fd int, prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	b, err := term.ReadPassword(fd)
	fmt.Fprintln(os.Stderr)
	return string(b), err
}

func longEnough(p string, fresh bool) error {
	if fresh && len(p) < minPassphrase {
		return fmt.Errorf("a passphrase has at least %d characters: whoever finds the file can try as many as they like", minPassphrase)
	}
	return nil
}
