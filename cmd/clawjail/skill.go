package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"clawjail/policy/skill/store"
	"clawjail/policy/skill/trust"
	"clawjail/supervisor/config"
	"clawjail/supervisor/config/file"
	"clawjail/supervisor/config/source"
)

// Where the operator's lists are.
const (
	signersPath = config.LocalSources + "/signers"
	revokedPath = config.LocalSources + "/revoked"
)

// Exit codes of the skill commands, besides 0 and 125.
const (
	exitRejected = 1 // the verdict or the signatures say no
	exitReview   = 2 // a person has to look at it
)

// skills is what the skill commands have in common.
type skills struct {
	e                      *env
	store, signers, revoke string
	parser                 parser
}

func newSkillCommand(e *env) *cobra.Command {
	s := &skills{e: e, parser: parser{e: e}}
	c := &cobra.Command{
		Use:   "skill",
		Short: "Audit, sign, install and run skills",
		Long: `skill looks into skills before an agent does: SKILL.md and what lies beside it,
as OpenClaw, ClawHub and Claude have them, in a directory or an archive.

  clawjail skill audit ./weather          what is in it, with file and line
  clawjail skill verify ./weather         who signed it
  sudo clawjail skill install ./weather   verify, audit, derive a policy, ask, keep
  sudo clawjail skill run weather -- scripts/get.sh Berlin

Whoever parses a skill can be attacked by it. That is done by a process in a
jail without network and files, or where there is no supervisor by one without
privileges, under limits, Landlock and a filter of system calls.

Exit codes: 0, and 1 when a skill is rejected or does not verify, 2 when a
person has to look at it, 125 when clawjail could not do what was asked.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f := c.PersistentFlags()
	f.StringVar(&s.store, "store", store.DefaultDir, "where installed skills are kept")
	f.StringVar(&s.signers, "signers", signersPath, "list of allowed signers")
	f.StringVar(&s.revoke, "revoked", revokedPath, "list of what was revoked")
	f.StringVar(&s.parser.where, "isolation", isolationAuto, "where skills are parsed: jail, process, or auto for the best there is")
	c.AddCommand(newSkillAuditCommand(s), newSkillRulesCommand(s), newSkillSignCommand(s), newSkillVerifyCommand(s), newSkillAttestCommand(s), newSkillInstallCommand(s),
		newSkillListCommand(s), newSkillInspectCommand(s), newSkillRemoveCommand(s), newSkillReauditCommand(s),
		newSkillPolicyCommand(s), newSkillRunCommand(s), newSkillOpenClawCommand(s))
	return c
}

// config reads the configuration in force.
func (s *skills) config() (config.Config, error) {
	f, exists, err := source.InForce(s.e.config, nil)
	if err != nil {
		return config.Config{}, fmt.Errorf("the configuration cannot be used:\n%w\n  see: clawjail config check", err)
	}
	if exists && os.Geteuid() == 0 {
		if err := trusted(s.e.config); err != nil {
			return config.Config{}, err
		}
	}
	return f.Config, nil
}

// trust reads the operator's lists.
func (s *skills) trust(c config.Config) (trust.Policy, error) {
	p := trust.Policy{Threshold: c.SkillSigners, Now: time.Now()}
	text, err := readList(s.signers, s.signers == signersPath)
	if err == nil {
		p.Signers, err = trust.ParseSigners(s.signers, text)
	}
	if err != nil {
		return p, fmt.Errorf("the list of allowed signers cannot be used:\n%w", err)
	}
	text, err = readList(s.revoke, s.revoke == revokedPath)
	if err == nil {
		p.Revoked, err = trust.ParseRevoked(s.revoke, text)
	}
	if err != nil {
		return p, fmt.Errorf("the list of what was revoked cannot be used:\n%w", err)
	}
	return p, nil
}

// readList reads a list of the operator's. The host's own may be missing, and
// nobody but root may change it.
func readList(path string, own bool) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && own {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if own {
		if err := file.Trusted(f, path); err != nil {
			return nil, err
		}
	}
	return readAll(f, trust.MaxList)
}
