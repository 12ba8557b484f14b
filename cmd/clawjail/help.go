package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// groups are the headings of `clawjail --help`, and the commands under each.
// What stands in none is listed at the end.
func groups() []struct {
	id, title string
	commands  []string
} {
	return []struct {
		id, title string
		commands  []string
	}{
		{"run", "Run agents:", []string{"run", "sh", "exec", "ps", "logs", "inspect"}},
		{"stop", "Step in:", []string{"freeze", "thaw", "kill"}},
		{"ask", "Decide what is held:", []string{"pending", "approve", "deny", "notices", "limits", "on-duty", "console"}},
		{"look", "Look back:", []string{"audit", "incident", "notify"}},
		{"set", "Set up:", []string{"backup", "restore", "policy", "skill", "config", "user", "doctor", "checklist", "access"}},
	}
}

// help makes the pages of the whole tree easier to read: headings, and errors
// about arguments that say how the command is used.
func help(root *cobra.Command) {
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, name := range g.commands {
			if c, _, err := root.Find([]string{name}); err == nil && c != root {
				c.GroupID = g.id
			}
		}
	}
	explainArgs(root)
}

// explainArgs makes errors about arguments say how the command is used.
func explainArgs(c *cobra.Command) {
	if c.HasSubCommands() && c.HasParent() && !c.Runnable() {
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q of %s\n  see: %s --help", args[0], c.CommandPath(), c.CommandPath())
			}
			return c.Help()
		}
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err == nil || strings.Contains(err.Error(), "\n") {
				return err // it says itself what to do
			}
			return fmt.Errorf("%s\n  %s", plainArgs(args, err), c.UseLine())
		}
	}
	// What takes no flags of its own does not promise any.
	c.DisableFlagsInUseLine = c.DisableFlagsInUseLine || !takesFlags(c)
	for _, sub := range c.Commands() {
		explainArgs(sub)
	}
}

// takesFlags reports whether a command has flags besides --help and those of
// every command.
func takesFlags(c *cobra.Command) (has bool) {
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { has = has || f.Name != "help" && !f.Hidden })
	return has
}

// plainArgs puts cobra's words about a number of arguments plainly.
func plainArgs(args []string, err error) string {
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "unknown command"): // its NoArgs
		return fmt.Sprintf("unexpected argument %q", args[0])
	case !strings.Contains(text, "arg(s)"):
		return text
	case len(args) == 0:
		return "an argument is missing"
	case strings.HasPrefix(text, "requires"):
		return "arguments are missing"
	}
	takes, _, _ := strings.Cut(strings.TrimPrefix(text, "accepts "), " arg(s)")
	return fmt.Sprintf("%d arguments, and it takes %s", len(args), takes)
}

// seeHelp adds the next step to an unknown command.
func seeHelp(err error) error {
	if err != nil && strings.HasPrefix(err.Error(), "unknown command") && !strings.Contains(err.Error(), "see:") {
		return fmt.Errorf("%w\n  see: clawjail --help", err)
	}
	return err
}
