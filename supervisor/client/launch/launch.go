package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"clawjail/policy"
	"clawjail/policy/compiled"
	"clawjail/policy/source"
	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
)

// Options are what the operator typed, and the caller's circumstances. Zero
// circumstances are filled from the process by Prepare.
type Options struct {
	Argv      []string
	Policy    string // file or preset; empty: chosen by the command
	Workspace string // empty: the current directory
	Name      string
	Env       []string // KEY=VALUE, or KEY for the caller's value
	User      string

	Environ          []string // the caller's environment
	EUID             int
	SudoUID, SudoGID string
	Config           string // the supervisor's configuration file
	circumstances    bool
}

// Prepare makes the request. Every error says what to do about it.
func Prepare(o Options) (api.RunRequest, error) {
	o = o.fill()
	workspace, err := findWorkspace(o.Workspace)
	if err != nil {
		return api.RunRequest{}, err
	}
	who, err := resolve(o, workspace)
	if err != nil {
		return api.RunRequest{}, err
	}
	pol, err := loadPolicy(o, workspace, who)
	if err != nil {
		return api.RunRequest{}, err
	}
	blob, err := compiled.Encode(pol)
	if err != nil {
		return api.RunRequest{}, fmt.Errorf("compile policy %s: %w", pol.Name, err)
	}
	set, err := setEnv(o)
	if err != nil {
		return api.RunRequest{}, err
	}
	return api.RunRequest{
		Name: o.Name, Policy: blob, Argv: bytesOf(o.Argv), Env: bytesOf(o.Environ), SetEnv: set, Workspace: workspace,
		UID: who.uid, GID: who.gid, User: who.name, Home: who.home, Idmap: who.idmap,
	}, nil
}

// fill takes the circumstances from the process.
func (o Options) fill() Options {
	if o.circumstances {
		return o
	}
	o.circumstances = true
	o.Environ, o.EUID = os.Environ(), os.Geteuid()
	o.SudoUID, o.SudoGID = os.Getenv("SUDO_UID"), os.Getenv("SUDO_GID")
	o.Config = config.DefaultPath
	return o
}

// findWorkspace resolves the directory that the agent works in. What it is
// after all links are resolved is what counts, and what is shown.
func findWorkspace(dir string) (string, error) {
	if dir == "" {
		wd, err := os.Getwd()
		if err != nil {
			return "", fmt.Errorf("the current directory: %w\n  name a workspace: --workspace DIR", err)
		}
		dir = wd
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", workspaceError(abs, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", workspaceError(abs, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("workspace %q is not a directory\n  name the one that the agent works in: --workspace DIR", abs)
	}
	return real, nil
}

// loadPolicy reads the policy that was named, or chooses one.
func loadPolicy(o Options, workspace string, who identity) (*policy.Policy, error) {
	vars := source.Vars{Workspace: workspace, Home: who.home, User: who.name, TmpDir: "/tmp"}
	features := source.Features{Gate: true}
	name := o.Policy
	if name == "" {
		var statErr error
		file, preset := source.Choose(o.Argv[0], func(path string) bool {
			_, err := os.Stat(path)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				statErr = err // one that is there and cannot be seen is not passed over
			}
			return err == nil
		})
		if statErr != nil {
			return nil, fmt.Errorf("policy: %w", statErr)
		}
		name = file + preset
	}
	p, err := source.Open(name, vars, features)
	if err != nil {
		return nil, &policyError{err}
	}
	return p, nil
}

// setEnv resolves --env: KEY=VALUE as it is, KEY with the caller's value.
func setEnv(o Options) ([][]byte, error) {
	var out [][]byte
	for _, kv := range o.Env {
		key, _, has := strings.Cut(kv, "=")
		if key == "" {
			return nil, fmt.Errorf("--env %q: a variable needs a name", kv)
		}
		if has {
			out = append(out, []byte(kv))
			continue
		}
		value, found := lookup(o.Environ, key)
		if !found {
			return nil, fmt.Errorf("--env %s: the variable is not set here\n  give a value: --env %s=VALUE (sudo drops most variables; sudo --preserve-env=%s keeps it)", key, key, key)
		}
		out = append(out, []byte(key+"="+value))
	}
	return out, nil
}

func lookup(environ []string, key string) (string, bool) {
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			return v, true
		}
	}
	return "", false
}

func bytesOf(list []string) [][]byte {
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

// policyError shows each problem of a policy on a line that could stand alone.
type policyError struct{ err error }

func (e *policyError) Error() string {
	return "policy " + strings.ReplaceAll(e.err.Error(), "\n", "\nclawjail: policy ")
}

func (e *policyError) Unwrap() error { return e.err }
