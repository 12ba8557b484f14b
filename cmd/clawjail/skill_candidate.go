package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/derive"
	"clawjail/policy/skill/store"
	"clawjail/policy/skill/trust"
	"clawjail/supervisor/config"
)

// candidate is a skill that a person is to decide about, with all that was
// found out.
type candidate struct {
	name    string
	tree    trust.Digest // of what would be stored
	root    trust.Digest
	modes   bool // that files may be executable
	outcome trust.Outcome
	report  skill.Report
	policy  derive.Policy
	source  string
	trusted bool
	grants  []string
	forJail string // whose agent asked for it; empty: the caller's own
	old     *store.Record
	// verdict is that of the audit, the signatures and the source together.
	verdict skill.Verdict
	reasons []string
}

// measure takes over what was read of the skill's files.
func (c *candidate) measure(m store.Measured, p trust.Policy) {
	c.name, c.root = m.Manifest.Name, m.Manifest.Root()
	c.outcome = trust.Verify(m.Manifest, m.Signatures, p)
	c.modes = !c.outcome.Verified || c.outcome.Modes
	kept := m.Manifest
	if !c.modes {
		kept = kept.WithoutModes()
	}
	c.tree = kept.Tree()
}

// installs reports whether this is not what is installed already.
func (c *candidate) installs() bool { return c.old == nil || c.old.Tree != c.tree }

// worse makes the verdict no better than v, for a reason.
func (c *candidate) worse(v skill.Verdict, reason string) {
	if c.verdict == skill.Approved && v < skill.Approved {
		c.reasons = nil // they say why nothing stands against it
	}
	c.verdict = min(c.verdict, v)
	c.reasons = append(c.reasons, reason)
}

// judge puts everything together: what the audit says, who signed, where from.
func (c *candidate) judge(cfg config.Config) {
	c.verdict, c.reasons = c.report.Verdict, slices.Clone(c.report.Reasons)
	if !c.outcome.Verified {
		unsigned := c.unsigned()
		v := skill.Rejected
		if unsigned && cfg.SkillUnsigned || !unsigned && !cfg.SkillVerify {
			v = skill.ManualReview
		}
		for _, f := range c.outcome.Findings {
			c.worse(v, f.Rule+": "+f.Message)
		}
	}
	if !c.trusted {
		c.worse(skill.ManualReview, fmt.Sprintf("CJS-SRC-001: %s is not among skills.trusted_sources", c.source))
	}
	if c.old != nil && c.outcome.Verified && len(c.old.Vouches) > 0 && !samePrincipal(c.old.Vouches, c.outcome.Vouches) {
		c.worse(skill.ManualReview, fmt.Sprintf("CJS-SRC-001: the installed version was signed by %s, this one by %s", principals(c.old.Vouches), principals(c.outcome.Vouches)))
	}
	if c.otherName() {
		c.worse(skill.Rejected, fmt.Sprintf("CJS-SIG-002: it is signed and installed as %q and calls itself %q", c.name, c.report.Name))
	}
}

// unsigned reports whether there is no signature at all.
func (c *candidate) unsigned() bool {
	return len(c.outcome.Findings) == 1 && c.outcome.Findings[0].Rule == "CJS-SIG-001"
}

// otherName reports whether the front matter, read as YAML, gives another name
// than the one that was signed.
func (c *candidate) otherName() bool {
	return c.report.Name != "" && c.report.Name != c.name && trust.ValidName(c.report.Name)
}

func samePrincipal(a, b []trust.Vouch) bool {
	return slices.ContainsFunc(a, func(v trust.Vouch) bool {
		return slices.ContainsFunc(b, func(w trust.Vouch) bool { return v.Principal == w.Principal })
	})
}

func principals(list []trust.Vouch) string {
	var out []string
	for _, v := range list {
		if !slices.Contains(out, v.Principal) {
			out = append(out, v.Principal)
		}
	}
	if len(out) == 0 {
		return "nobody"
	}
	return strings.Join(out, ", ")
}

// candidate looks into a skill that was staged or is stored: dir has its files,
// which do not change. An outcome that is known is not asked again.
func (s *skills) candidate(ctx context.Context, cfg config.Config, m store.Measured, dir string, c candidate) (*candidate, error) {
	p, err := s.trust(cfg)
	if err != nil {
		return nil, err
	}
	known := c.outcome
	c.measure(m, p)
	if known.Verified {
		c.outcome, c.modes, c.tree = known, true, m.Manifest.Tree()
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if c.report, err = s.audit(ctx, c.name, feedDir(ctx, d, c.name)); err != nil {
		return nil, err
	}
	c.report.Root = c.root.String()
	c.policy, err = s.derive(cfg, c.report, c.tree, c.grants, c.outcome.Permissions())
	var many *derive.TooManyError
	if err != nil && !errors.As(err, &many) {
		return nil, err
	}
	if old, err := s.installed(c.name); err == nil {
		c.old = &old
	}
	c.judge(cfg)
	if many != nil {
		c.worse(skill.Rejected, strings.ReplaceAll(many.Error(), "\n  ", "; "))
	}
	return &c, nil
}

// installed reads the record of a skill, if there is a store.
func (s *skills) installed(name string) (store.Record, error) {
	st, err := store.Read(s.store)
	if err != nil {
		return store.Record{}, err
	}
	return st.Get(name)
}

// derive makes the policy that a skill would run under here.
func (s *skills) derive(cfg config.Config, r skill.Report, tree trust.Digest, grants, kinds []string) (derive.Policy, error) {
	dir, err := store.PathIn(s.store, tree)
	if err != nil {
		return derive.Policy{}, err
	}
	o := derive.Options{Dir: dir, Kinds: kinds, MaxKinds: cfg.SkillPermissions, Lookup: lookupProgram, Vars: sampleVars()}
	for _, text := range grants {
		g, err := derive.ParseGrant(text)
		if err != nil {
			return derive.Policy{}, err
		}
		o.Grants = append(o.Grants, g)
	}
	return derive.Derive(r, o)
}

// binding is what an approval is about.
func (c *candidate) binding() store.Approval {
	return store.Approval{Tree: c.tree, RuleSet: c.report.RuleSet, Policy: c.policy.Digest, Verdict: c.verdict}
}

// sameBinding reports whether an approval covers what another one is about.
func sameBinding(a, b store.Approval) bool {
	return a.Tree == b.Tree && a.RuleSet == b.RuleSet && a.Policy == b.Policy && a.RuleSet != ""
}

// textDigest is the digest of a policy's text.
func textDigest(text string) trust.Digest { return sha256.Sum256([]byte(text)) }

// findingsOf gives the worst findings first, at most so many.
func findingsOf(r skill.Report, most int) []skill.Finding {
	list := slices.DeleteFunc(slices.Clone(r.Findings), func(f skill.Finding) bool {
		return f.Class == skill.Ability || f.Severity > skill.Medium
	})
	slices.SortStableFunc(list, func(a, b skill.Finding) int {
		if a.Severity != b.Severity {
			return int(a.Severity) - int(b.Severity)
		}
		return int(a.Confidence) - int(b.Confidence)
	})
	return list[:min(len(list), most)]
}
