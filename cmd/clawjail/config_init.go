package main

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"clawjail/supervisor/config"
	"clawjail/supervisor/config/secret"
	"clawjail/supervisor/config/source"
	"clawjail/supervisor/gateway/certificate"
)

// initFlags are what `config init` asks for.
type initFlags struct {
	listen, name              string
	newSecret, newCertificate bool
}

func newConfigInitCommand(e *env) *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:   "init",
		Short: "Make the configuration of the web console, with strong secrets",
		Long: `init makes what the console needs and is not there yet: a configuration, the
secret that tokens are signed with, and a certificate, whose fingerprint it
prints. On a terminal it asks for the address and the name. It changes no file
that exists, unless a flag says so.`,
		Example: `  sudo clawjail config init
  sudo clawjail config init --listen 0.0.0.0:9443 --name jails.example.org
  sudo clawjail config init --new-certificate && sudo systemctl restart clawjail-gateway`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(e) },
	}
	c.Flags().StringVar(&f.listen, "listen", "", "where the console listens (default 127.0.0.1:9443)")
	c.Flags().StringVar(&f.name, "name", "", "host of its address, as browsers know it (default localhost)")
	c.Flags().BoolVar(&f.newSecret, "new-secret", false, "replace the secret: everybody has to sign in again within the hour")
	c.Flags().BoolVar(&f.newCertificate, "new-certificate", false, "replace the certificate")
	return c
}

func (f *initFlags) run(e *env) error {
	have, exists, err := source.InForce(e.config, nil)
	if err != nil {
		printConfigProblems(e, problemsOf(e.config, err))
		return &exitError{code: 1}
	}
	cfg := have.Config
	if !exists {
		if err := f.ask(e, &cfg); err != nil {
			return err
		}
		// Files beside the configuration, wherever that is.
		dir := filepath.Dir(e.config)
		cfg.AuthSecretFile, cfg.Certificate, cfg.Key = filepath.Join(dir, "secrets", "token"), filepath.Join(dir, "tls", "cert.pem"), filepath.Join(dir, "tls", "key.pem")
		if err := cfg.Validate(); err != nil {
			return err
		}
	}
	if err := f.makeSecret(e, cfg); err != nil {
		return err
	}
	if err := f.makeCertificate(e, cfg); err != nil {
		return err
	}
	if !exists {
		return writeConfig(e, cfg)
	}
	if !cfg.Console() {
		fmt.Fprintf(e.stdout, "%s is there and has no console; add to it:\n\nnetwork:\n  listen: \"127.0.0.1:9443\"\n  name: localhost\n", e.config)
	}
	return nil
}

// ask fills in what flags do not say.
func (f *initFlags) ask(e *env, c *config.Config) error {
	c.Listen, c.Name = cmp.Or(f.listen, "127.0.0.1:9443"), cmp.Or(f.name, c.Name)
	in, ok := e.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	lines := bufio.NewReader(in)
	for _, q := range []struct {
		what, given string
		at          *string
	}{{"Address to listen on", f.listen, &c.Listen}, {"Name in the browser", f.name, &c.Name}} {
		if q.given != "" {
			continue
		}
		fmt.Fprintf(e.stderr, "%s [%s]: ", q.what, *q.at)
		line, err := lines.ReadString('\n')
		if err != nil {
			return errors.New("nothing was answered; nothing is written")
		}
		*q.at = cmp.Or(strings.TrimSpace(line), *q.at)
	}
	return nil
}

const secretBytes = 48

func (f *initFlags) makeSecret(e *env, c config.Config) error {
	if strings.HasPrefix(c.AuthSecretFile, "credential:") {
		return nil // systemd's to give
	}
	b := make([]byte, secretBytes)
	rand.Read(b) // never fails: crypto/rand since Go 1.24
	made, err := makeFile(c.AuthSecretFile, []byte(base64.StdEncoding.EncodeToString(b)+"\n"), 0o600, f.newSecret)
	if err == nil && made {
		fmt.Fprintln(e.stdout, "made", c.AuthSecretFile)
	}
	return err
}

func (f *initFlags) makeCertificate(e *env, c config.Config) error {
	if !c.TLS || strings.HasPrefix(c.Certificate, "credential:") || strings.HasPrefix(c.Key, "credential:") {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		host = ""
	}
	addresses := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() && !ip.IsLoopback() {
		addresses = append(addresses, ip)
	}
	cert, key, err := certificate.Make(c.Name, addresses, time.Now())
	if err != nil {
		return err
	}
	made, err := makeFile(c.Key, key, 0o600, f.newCertificate)
	if err != nil || !made {
		return err
	}
	if _, err := makeFile(c.Certificate, cert, 0o644, true); err != nil {
		return err
	}
	print, err := certificate.Fingerprint(cert)
	fmt.Fprintf(e.stdout, "made %s, for %s\n  its fingerprint (SHA-256), to compare in the browser:\n  %s\n", c.Certificate, c.Name, print)
	return err
}

// makeFile writes a file that is not there, or whole over one that is.
func makeFile(path string, b []byte, mode fs.FileMode, replace bool) (made bool, err error) {
	dir := filepath.Dir(path)
	private := fs.FileMode(0o755)
	if mode == 0o600 {
		private = 0o700
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return false, fmt.Errorf("%w\n  run the command with sudo", err)
	}
	if err := os.Mkdir(dir, private); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, fmt.Errorf("%w\n  run the command with sudo", err)
	}
	if _, err := os.Lstat(path); err == nil && !replace {
		return false, nil
	}
	t, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return false, fmt.Errorf("%w\n  run the command with sudo", err)
	}
	_, err = t.Write(b)
	err = errors.Join(err, t.Chmod(mode), t.Sync(), t.Close())
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		_ = os.Remove(t.Name())
	}
	return err == nil, err
}

// writeConfig writes the least configuration that says what was chosen.
func writeConfig(e *env, c config.Config) error {
	d := config.Default()
	text := "# Made by clawjail config init. All settings: clawjail config explain\nversion: 1\n"
	if c.AuthSecretFile != d.AuthSecretFile {
		text += fmt.Sprintf("auth:\n  secret_file: %q\n", c.AuthSecretFile)
	}
	text += fmt.Sprintf("network:\n  listen: %q\n  name: %q\n", c.Listen, c.Name)
	if c.Certificate != d.Certificate {
		text += fmt.Sprintf("  certificate: %q\n  key: %q\n", c.Certificate, c.Key)
	}
	if _, err := makeFile(e.config, []byte(text), 0o644, false); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "made %s\n\nnext:\n  sudo clawjail user add NAME --role admin\n  sudo systemctl restart clawjail clawjail-gateway\n  open %s\n", e.config, c.Origin())
	return nil
}

// keyProblems are those of the files that the configuration names: secrets that
// others can read or guess, and a certificate that cannot be used. Only root can
// look at them.
func keyProblems(name string, c config.Config) []source.Problem {
	if !c.Console() || os.Geteuid() != 0 {
		return nil
	}
	var out []source.Problem
	add := func(key string, err error) {
		if err != nil {
			msg, hint, _ := strings.Cut(err.Error(), "\n  ")
			out = append(out, source.Problem{File: name, Msg: key + ": " + msg, Hint: hint})
		}
	}
	if !strings.HasPrefix(c.AuthSecretFile, "credential:") {
		_, err := secret.Token(c.AuthSecretFile)
		add("auth.secret_file", err)
	}
	if !c.TLS || strings.HasPrefix(c.Key, "credential:") || strings.HasPrefix(c.Certificate, "credential:") {
		return out
	}
	key, err := secret.Read(c.Key)
	add("network.key", err)
	cert, certErr := os.ReadFile(c.Certificate)
	add("network.certificate", certErr)
	if err == nil && certErr == nil {
		_, _, err = certificate.Load(cert, key, c.Name, time.Now())
		add("network.certificate", err)
	}
	return out
}
