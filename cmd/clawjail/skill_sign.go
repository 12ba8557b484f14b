package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"clawjail/policy/skill/store"
	"clawjail/policy/skill/trust"
)

// signFlags are the flags of `skill sign`.
type signFlags struct {
	key, chain, as, form, output string
	manifest                     bool
}

func newSkillSignCommand(s *skills) *cobra.Command {
	var f signFlags
	c := &cobra.Command{
		Use:   "sign DIR",
		Short: "Sign a skill",
		Long: `sign writes a signature over every file of the skill in DIR, with its mode, into
the skill itself:

  skill.sig       an SSH signature, which ssh-keygen makes and checks too
  skill.oms.sig   a sigstore bundle in the form of OpenSSF model signing 1.0,
                  with --form bundle, or with --chain for a certificate

With --as NAME it is skill.NAME.sig, so that several can sign: an author and an
auditor, say. With --manifest nothing is signed; what would be is printed, for a
key that another program holds:

  clawjail skill sign --manifest DIR > m
  ssh-keygen -Y sign -n clawjail-skill@v1 -f KEY m && mv m.sig DIR/skill.sig`,
		Example: `  clawjail skill sign --key ~/.ssh/id_ed25519 ./weather
  clawjail skill sign --key key.pem --chain chain.pem --as auditor ./weather`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return s.sign(c, f, args[0]) },
	}
	c.Flags().StringVarP(&f.key, "key", "k", "", "private key: OpenSSH or PEM; Ed25519, ECDSA, or RSA for SSH signatures")
	c.Flags().StringVar(&f.chain, "chain", "", "certificates in PEM, the signer's own first; makes a bundle")
	c.Flags().StringVar(&f.as, "as", "", "name of the signature, for a second signer")
	c.Flags().StringVar(&f.form, "form", "", "\"ssh\" or \"bundle\" (default: ssh)")
	c.Flags().StringVarP(&f.output, "output", "o", "", "file to write instead of one in the skill")
	c.Flags().BoolVar(&f.manifest, "manifest", false, "print what is to be signed, and sign nothing")
	return c
}

func (s *skills) sign(c *cobra.Command, f signFlags, arg string) error {
	g, err := openSkill(arg)
	if err != nil {
		return err
	}
	defer g.close()
	if g.dir == nil {
		return errors.New("an archive cannot be signed: sign the directory, then pack it")
	}
	m, err := store.Measure(g.name, store.FromDir(c.Context(), g.dir))
	if err != nil {
		return fmt.Errorf("the skill cannot be signed:\n%w", err)
	}
	statement := m.Manifest.Statement()
	if f.manifest {
		_, err := s.e.stdout.Write(statement)
		return err
	}
	bytes, form, err := f.make(statement)
	if err != nil {
		return err
	}
	target := f.output
	if target == "" {
		target = filepath.Join(g.path, f.file(form))
	}
	if err := os.WriteFile(target, bytes, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(s.e.stdout, "%s: %d files of skill %s signed\n  root digest %s\n  tree digest %s\n", target, len(m.Manifest.Files), m.Manifest.Name, m.Manifest.Root(), m.Manifest.Tree())
	return nil
}

// make signs a statement in the form that was asked for.
func (f signFlags) make(statement []byte) ([]byte, trust.Form, error) {
	if f.key == "" {
		return nil, trust.None, errors.New("no key to sign with\n  name one: --key FILE (ssh-keygen -t ed25519 makes one)")
	}
	if f.as != "" && !regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`).MatchString(f.as) || f.as == "oms" {
		return nil, trust.None, fmt.Errorf("--as %q is not a name of letters, digits, dash and underscore", f.as)
	}
	key, err := readKey(f.key)
	if err != nil {
		return nil, trust.None, err
	}
	var chain []*x509.Certificate
	if f.chain != "" {
		if chain, err = readChain(f.chain); err != nil {
			return nil, trust.None, err
		}
	}
	switch {
	case f.form == "bundle", f.form == "" && chain != nil:
		b, err := trust.SignBundle(statement, key, chain)
		return b, trust.Bundle, err
	case chain != nil && f.form == "ssh":
		return nil, trust.None, errors.New("--chain goes with a bundle, not with an SSH signature")
	case f.form == "ssh" || f.form == "":
		b, err := trust.SignSSH(statement, key)
		return b, trust.SSH, err
	}
	return nil, trust.None, fmt.Errorf("unknown --form %q; there are ssh and bundle", f.form)
}

func (f signFlags) file(form trust.Form) string {
	name := "skill"
	if f.as != "" {
		name += "." + f.as
	}
	if form == trust.Bundle {
		return name + ".oms.sig"
	}
	return name + ".sig"
}

// readKey reads a private key, and asks for its passphrase if it has one.
func readKey(path string) (*trust.Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("--key %s: others may read it (mode %04o)\n  chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	key, err := trust.ParseKey(text, nil)
	if errors.Is(err, trust.ErrPassphrase) {
		var phrase []byte
		if phrase, err = askPassphrase(path); err == nil {
			key, err = trust.ParseKey(text, phrase)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("--key %s: %w", path, err)
	}
	return key, nil
}

func askPassphrase(path string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w, and there is no terminal to ask for its passphrase\n  sign with ssh-keygen -Y sign and an agent: see clawjail skill sign --help", trust.ErrPassphrase)
	}
	defer tty.Close()
	fmt.Fprintf(tty, "passphrase of %s: ", path)
	phrase, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(tty)
	return phrase, err
}
