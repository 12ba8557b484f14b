package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"clawjail/supervisor/config"
	"clawjail/supervisor/config/file"
	"clawjail/supervisor/config/source"
)

func newConfigCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Check and explain the supervisor's configuration",
		Long: `config reads ` + config.DefaultPath + `, or another file, without a
supervisor and without root. FILE may be - for standard input.

The file is optional: what it leaves out has a default, and explain prints all
of it. A supervisor reads it when it starts.`,
	}
	c.AddCommand(newConfigInitCommand(e), newConfigCheckCommand(e), newConfigExplainCommand(e), newConfigCompileCommand(e))
	return c
}

// readConfig reads the file that was named, which may be standard input. none
// is true if no file was named and the host has none either: then the defaults
// are in force.
func readConfig(e *env, args []string) (f source.File, name string, none bool, err error) {
	if len(args) == 1 && args[0] == "-" {
		f, err = source.Read("standard input", e.stdin, knownGroup)
		return f, "standard input", false, err
	}
	if len(args) == 1 {
		f, err = source.Load(args[0], knownGroup)
		return f, args[0], false, err
	}
	f, exists, err := source.InForce(e.config, knownGroup)
	if exists {
		err = errors.Join(err, trusted(e.config))
	}
	return f, e.config, !exists, err
}

// trusted says whether a supervisor would obey the file, for whoever can open
// it: for others, Load has said that they cannot.
func trusted(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	return file.Trusted(f, path)
}

func knownGroup(name string) bool {
	_, err := user.LookupGroup(name)
	return err == nil
}

// problemsOf lists what an error of readConfig holds.
func problemsOf(name string, err error) []source.Problem {
	var all []source.Problem
	var joined interface{ Unwrap() []error }
	var problems source.Problems
	switch {
	case err == nil:
	case errors.As(err, &joined):
		for _, err := range joined.Unwrap() {
			all = append(all, problemsOf(name, err)...)
		}
	case errors.As(err, &problems):
		all = problems
	default:
		all = []source.Problem{{File: name, Msg: strings.TrimPrefix(err.Error(), name+" ")}}
	}
	return all
}

// checkedConfig is what `config check -o json` prints.
type checkedConfig struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Exists   bool             `json:"exists"`
	Problems []source.Problem `json:"problems,omitempty"`
	// Accepted is what is unsafe and in force all the same.
	Accepted []config.Override `json:"accepted,omitempty"`
	// Warnings are about what is allowed, and perhaps not meant.
	Warnings []string `json:"warnings,omitempty"`
}

func newConfigCheckCommand(e *env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Report every problem of a configuration",
		Long: `check reports every problem of the configuration, with file, line and column,
and exits with 1 if there is one. Of the host's own file it also checks that
nobody but root can change it, and as root that its secrets cannot be read or
guessed and its certificate can be used.`,
		Example: "  clawjail config check && sudo systemctl restart clawjail",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			f, name, none, err := readConfig(e, args)
			result := checkedConfig{File: name, Exists: !none, Problems: problemsOf(name, err)}
			if err == nil {
				result.Accepted, result.Warnings = f.Config.Overrides(), f.Config.Warnings()
			}
			if err == nil && len(args) == 0 {
				result.Problems = keyProblems(name, f.Config)
			}
			result.OK = len(result.Problems) == 0
			switch {
			case output == "json":
				if err := json.NewEncoder(e.stdout).Encode(result); err != nil {
					return err
				}
			case none:
				fmt.Fprintf(e.stdout, "%s: no such file; the defaults are in force\n", name)
			case result.OK:
				fmt.Fprintf(e.stdout, "%s: ok\n", name)
			default:
				printConfigProblems(e, result.Problems)
			}
			for _, o := range result.Accepted {
				fmt.Fprintf(e.stderr, "clawjail: config %s: accepted, and unsafe: %s: %s\n", name, o.Key, o.Risk)
			}
			for _, w := range result.Warnings {
				fmt.Fprintf(e.stderr, "clawjail: config %s: %s\n", name, w)
			}
			if !result.OK {
				return &exitError{code: 1}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": one object with the problems")
	return c
}

func printConfigProblems(e *env, problems []source.Problem) {
	for _, p := range problems {
		fmt.Fprintf(e.stderr, "clawjail: config %s\n", p)
	}
}

// explained is what `config explain -o json` prints.
type explained struct {
	File     string           `json:"file"`
	Exists   bool             `json:"exists"`
	Settings []source.Setting `json:"settings"`
	Config   json.RawMessage  `json:"config"`
}

func newConfigExplainCommand(e *env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "explain [FILE]",
		Short: "Print the configuration that is in force",
		Long: `explain prints every setting with the value that a supervisor would take from
the configuration, and behind it the line that it comes from, or that it is the
default. What it prints is a configuration file itself.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			f, name, none, err := readConfig(e, args)
			if err != nil {
				printConfigProblems(e, problemsOf(name, err))
				return &exitError{code: 1}
			}
			if output == "json" {
				b, err := config.Encode(f.Config)
				if err != nil {
					return err
				}
				return json.NewEncoder(e.stdout).Encode(explained{File: name, Exists: !none, Settings: f.Settings(), Config: b})
			}
			from := "# in force by " + name
			if none {
				from = "# in force without " + name
			}
			_, err = fmt.Fprintf(e.stdout, "%s\n%s", from, f.Text())
			return err
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": the settings, and the form that the supervisor decodes")
	return c
}

// newConfigCompileCommand is the supervisor's reader of the file: it runs
// without privileges and prints what the supervisor decodes.
func newConfigCompileCommand(e *env) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:    "compile FILE",
		Short:  "Print a configuration as the supervisor decodes it",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var f source.File
			var err error
			if args[0] == "-" {
				f, err = source.Read(name, e.stdin, knownGroup)
			} else {
				f, err = source.Load(args[0], knownGroup)
			}
			if err != nil {
				for _, p := range problemsOf(args[0], err) {
					fmt.Fprintln(e.stderr, p)
				}
				return &exitError{code: 1}
			}
			b, err := config.Encode(f.Config)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(e.stdout, "%s\n", b)
			return err
		},
	}
	c.Flags().StringVar(&name, "name", "standard input", "what to call standard input in messages")
	return c
}
