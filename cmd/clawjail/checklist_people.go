package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strings"
	"time"

	"clawjail/supervisor/assert"
	"clawjail/supervisor/checklist"
	"clawjail/supervisor/config"
	"clawjail/supervisor/config/secret"
	"clawjail/supervisor/config/source"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/certificate"
)

// accountsOf lists who may sign in to the console; nobody when there is none.
func accountsOf(c config.Config) ([]store.User, error) {
	if !c.Console() {
		return nil, nil
	}
	s, err := store.Open(c.UserDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nobody was added yet
	}
	if err != nil {
		return nil, err
	}
	return s.List()
}

// givenFor is how long a password that somebody was given may wait for them.
const givenFor = 7 * 24 * time.Hour

// checklistAccounts looks at them and at what the console shows them.
func checklistAccounts(e *env) (checklist.Accounts, error) {
	f, _, err := source.InForce(e.config, nil)
	if err != nil || !f.Config.Console() {
		return checklist.Accounts{}, err
	}
	a := checklist.Accounts{Console: true, TLS: f.Config.TLS}
	people, err := accountsOf(f.Config)
	if err != nil {
		return a, err
	}
	for _, u := range people {
		if u.Disabled {
			continue
		}
		a.People++
		if u.Initial && time.Since(u.Changed) > givenFor {
			a.Given = append(a.Given, u.Name)
		}
		if u.Role != assert.Admin {
			continue
		}
		a.Admins++
		if !u.SecondFactor() {
			a.NoFactor = append(a.NoFactor, u.Name)
		}
	}
	if a.TLS {
		a.CertEnds, err = certificateEnds(f.Config)
	}
	if err != nil {
		a.CertError, _, _ = strings.Cut(err.Error(), "\n")
	}
	return a, nil
}

// checklistSignIn looks at what guards the console's sign-in.
func checklistSignIn(e *env) (checklist.SignIn, error) {
	f, _, err := source.InForce(e.config, nil)
	if err != nil || !f.Config.Console() {
		return checklist.SignIn{}, err
	}
	c := f.Config
	s := checklist.SignIn{Console: true, Credential: strings.HasPrefix(c.AuthSecretFile, "credential:"),
		Requests: c.RateRequests, Window: time.Duration(c.RateWindow)}
	if !s.Credential {
		if _, err := secret.Token(c.AuthSecretFile); err != nil {
			s.Secret, _, _ = strings.Cut(err.Error(), "\n")
		}
	}
	return s, nil
}

// weakPasswords gives those that the gateway's program would take. That it takes a
// good one shows that it judges, and does not just fail.
func weakPasswords(e *env) ([]string, error) {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand since Go 1.24
	if err := e.weak(hex.EncodeToString(b[:]), "admin"); err != nil {
		return nil, fmt.Errorf("a random password is refused: %w", err)
	}
	var taken []string
	for _, p := range checklist.WeakPasswords() {
		if e.weak(p, "admin") == nil {
			taken = append(taken, p)
		}
	}
	return taken, nil
}

func certificateEnds(c config.Config) (time.Time, error) {
	path, err := secret.Path(c.Certificate)
	if err != nil {
		return time.Time{}, err
	}
	cert, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, err
	}
	key, err := secret.Read(c.Key)
	if err != nil {
		return time.Time{}, err
	}
	_, ends, err := certificate.Load(cert, key, c.Name, time.Now())
	return ends, err
}

// members counts who is in a group: those that it lists, and those whose first
// group it is.
func members(group string) (int, error) {
	names, err := membersOf(group)
	return len(names), err
}

func membersOf(group string) ([]string, error) {
	g, err := user.LookupGroup(group)
	if err != nil {
		return nil, err
	}
	var names []string
	lines, err := database("group", g.Gid)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if fields := strings.Split(line, ":"); len(fields) == 4 && fields[3] != "" {
			names = append(names, strings.Split(fields[3], ",")...)
		}
	}
	if lines, err = database("passwd", ""); err != nil {
		return nil, err
	}
	for _, line := range lines {
		if fields := strings.Split(line, ":"); len(fields) == 7 && fields[3] == g.Gid {
			names = append(names, fields[0])
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// database asks getent, which knows directories beside the files of /etc.
func database(name, key string) ([]string, error) {
	args := []string{name}
	if key != "" {
		args = append(args, key)
	}
	out, err := exec.Command("getent", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("getent %s: %w", strings.Join(args, " "), err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), nil
}
