package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"clawjail/policy/skill"
	"clawjail/policy/skill/derive"
	"clawjail/policy/skill/store"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/config"
)

// Limits of OpenClaw's protocol: what it sends at most, how long it waits, what
// it takes of an answer (its src/security/install-policy.ts, 2026.9).
const (
	maxPolicyRequest = 256 << 10
	policyTime       = 9 * time.Second // it gives up after ten, unless told otherwise
	maxPolicyWait    = time.Hour
	maxPolicyReason  = 900
	// A warning is shown whole or not at all, in 4,000 characters.
	maxPolicyFindings = 8
	maxPolicyMessage  = 160
	maxBlockFindings  = 40
)

// policyRequest is what OpenClaw writes on stdin, as far as it matters here.
type policyRequest struct {
	Protocol   int          `json:"protocolVersion"`
	TargetType string       `json:"targetType"`
	TargetName string       `json:"targetName"`
	Path       string       `json:"sourcePath"`
	PathKind   string       `json:"sourcePathKind"`
	Origin     policyOrigin `json:"origin"`
}

// policyOrigin is where OpenClaw took the skill from.
type policyOrigin struct {
	Registry string `json:"registry"`
	Slug     string `json:"slug"`
	URL      string `json:"url"`
	Repo     string `json:"repo"`
}

// policyAnswer is what it reads from stdout.
type policyAnswer struct {
	Protocol int             `json:"protocolVersion"`
	Decision string          `json:"decision"` // allow, warn or block
	Reason   string          `json:"reason,omitempty"`
	Findings []policyFinding `json:"findings,omitempty"`
}

type policyFinding struct {
	Rule     string `json:"ruleId"`
	Severity string `json:"severity"` // info, warn or critical
	Message  string `json:"message"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
}

func newSkillOpenClawCommand(s *skills) *cobra.Command {
	var f policyFlags
	c := &cobra.Command{
		Use:   "openclaw-policy",
		Short: "Decide for OpenClaw whether a skill may be installed",
		Long: `openclaw-policy is a command for OpenClaw's security.installPolicy: it reads one
request in JSON on stdin and writes the decision on stdout: allow for a skill
that verifies and that the audit approves, warn for one that a person has to
look at, block for one that is rejected and for everything that cannot be
decided. Plugins are blocked: clawjail knows skills.

What it does not block is an install_skill action, as clawjail skill install is
one: counted, recorded, and over a limit held for a person for as long as --wait
says. OpenClaw gives up after ten seconds unless the exec has a timeoutMs. It asks
again after its user has read a warning, and that counts again. Without a
supervisor a limit on installations blocks them all.

OpenClaw wants the program itself and no link to it, and gives it an empty
environment:

  security: { installPolicy: { enabled: true, targets: ["skill"], exec: {
    source: "exec", command: "/usr/local/libexec/clawjail/clawjail",
    args: ["skill", "openclaw-policy"] } } }

By default a skill that nobody signed is blocked, like everywhere. Skills of
ClawHub are not signed; --allow-unsigned leaves them to the audit.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.wait <= 0 || f.wait > maxPolicyWait {
				return s.answer(policyAnswer{}, fmt.Errorf("--wait %s is not between 0s and %s", f.wait, maxPolicyWait))
			}
			ctx, cancel := context.WithTimeout(c.Context(), f.wait)
			defer cancel()
			return s.answer(s.judgeRequest(ctx, f))
		},
	}
	c.Flags().BoolVar(&f.unsigned, "allow-unsigned", false, "judge a skill without a signature by the audit alone")
	c.Flags().BoolVar(&f.warn, "warn-source", false, "warn about a skill that does not come from a trusted source")
	c.Flags().StringVar(&f.forJail, "for", "", "count it for the agent in this jail, with the approval that it got")
	c.Flags().DurationVar(&f.wait, "wait", policyTime, "how long everything may take, a person's answer included")
	return c
}

type policyFlags struct {
	unsigned, warn bool
	forJail        string
	wait           time.Duration
}

// answer writes a decision. An error becomes a block: OpenClaw takes the exit
// code for one too, but then nobody learns why.
func (s *skills) answer(a policyAnswer, err error) error {
	if err != nil {
		a = policyAnswer{Decision: "block", Reason: clipText("clawjail blocks it: "+readable(err.Error()), maxPolicyReason)}
	}
	a.Protocol = 1
	return json.NewEncoder(s.e.stdout).Encode(a)
}

func (s *skills) judgeRequest(ctx context.Context, f policyFlags) (policyAnswer, error) {
	r, err := s.readRequest()
	if err != nil {
		return policyAnswer{}, err
	}
	cfg, err := s.config()
	if err != nil {
		return policyAnswer{}, err
	}
	p, err := s.trust(cfg)
	if err != nil {
		return policyAnswer{}, err
	}
	g, err := openSkill(r.Path)
	if err != nil {
		return policyAnswer{}, err
	}
	defer g.close()
	if n := skillName(r.TargetName); n == r.TargetName {
		g.name = n
	}
	c := &candidate{source: r.origin(), trusted: true, forJail: f.forJail}
	if f.warn {
		c.trusted = cfg.TrustedSource(c.source)
	}
	if c.report, err = s.audit(ctx, g.name, g.feed(ctx)); err != nil {
		return policyAnswer{}, err
	}
	src, err := g.source(ctx, &s.parser)
	if err != nil {
		return policyAnswer{}, err
	}
	m, err := store.Measure(g.name, src)
	if err != nil {
		return policyAnswer{}, err
	}
	c.measure(m, p)
	c.judge(cfg)
	if f.unsigned && c.unsigned() && c.trusted && !c.staged() {
		c.verdict, c.reasons = c.report.Verdict, c.report.Reasons
	}
	a := c.policyAnswer()
	if a.Decision == "block" {
		return a, nil
	}
	if err := s.countDecided(ctx, cfg, c); err != nil {
		return policyAnswer{}, err
	}
	return a, nil
}

// countDecided has an installation that OpenClaw goes on with counted: the verdict is
// the decision about the skill, so a person is asked only over a limit.
func (s *skills) countDecided(ctx context.Context, cfg config.Config, c *candidate) error {
	cl := client.Client{Socket: s.e.socket}
	if _, err := cl.Ping(ctx); err != nil {
		return s.uncounted(c)
	}
	var err error
	c.policy, err = s.derive(cfg, c.report, c.tree, nil, c.outcome.Permissions())
	// How much it may do is for the jail that it runs in, and that is OpenClaw's.
	if many := (*derive.TooManyError)(nil); err != nil && !errors.As(err, &many) {
		return err
	}
	r := c.request()
	r.Decided, r.For = true, c.forJail
	d, err := cl.ApproveSkill(ctx, r)
	switch {
	case ctx.Err() != nil:
		return errors.New("it is over a limit, and nobody answered in time; raise --wait and OpenClaw's timeoutMs, or the limit (clawjail limits)")
	case err != nil:
		return fmt.Errorf("count the installation: %w", err)
	case d.Outcome == api.SkillDenied:
		return fmt.Errorf("it may not be installed: %s", d.Reason)
	case !d.Allowed:
		return fmt.Errorf("it was not approved: %s", d)
	}
	return nil
}

// staged reports whether the names contradict each other in a way that is not
// OpenClaw's doing: it stages skills in directories called otherwise.
func (c *candidate) staged() bool {
	return c.otherName() && c.outcome.Verified
}

// readRequest reads the request, and refuses what is no question about a skill.
func (s *skills) readRequest() (policyRequest, error) {
	var r policyRequest
	b, err := readAll(s.e.stdin, maxPolicyRequest)
	if err != nil {
		return r, fmt.Errorf("read the request: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("the request is no JSON: %w", err)
	}
	switch {
	case d.More():
		return r, errors.New("text follows the request")
	case r.Protocol != 1:
		return r, fmt.Errorf("the request has the protocol version %d, this clawjail knows 1", r.Protocol)
	case r.TargetType != "skill":
		return r, fmt.Errorf("clawjail judges skills and not a %q; set targets: [\"skill\"]", clipText(readable(r.TargetType), 40))
	case !filepath.IsAbs(r.Path):
		return r, errors.New("the request names no absolute path of the skill")
	case r.PathKind != "directory" && r.PathKind != "file":
		return r, fmt.Errorf("the skill is given as a %q, not as a directory or a file", clipText(readable(r.PathKind), 40))
	}
	return r, nil
}

// origin is where the skill comes from, for the list of trusted sources. That
// OpenClaw says it is as good as the operator saying it.
func (r policyRequest) origin() string {
	for _, u := range []string{r.Origin.URL, r.Origin.Repo} {
		if u != "" {
			return normalSource(u)
		}
	}
	if r.Origin.Registry != "" {
		return normalSource(r.Origin.Registry) + "/" + readable(r.Origin.Slug)
	}
	return r.Path
}

// policyAnswer puts the verdict into OpenClaw's words.
func (c *candidate) policyAnswer() policyAnswer {
	a := policyAnswer{Decision: map[skill.Verdict]string{skill.Approved: "allow", skill.ManualReview: "warn"}[c.verdict]}
	most := maxPolicyFindings
	if a.Decision == "" {
		a.Decision, most = "block", maxBlockFindings
	}
	if a.Decision != "allow" {
		reason := "no reason was given"
		if len(c.reasons) > 0 {
			reason = c.reasons[0]
		}
		if n := len(c.reasons); n > 1 {
			reason += fmt.Sprintf(" (and %d more)", n-1)
		}
		a.Reason = clipText(readable(fmt.Sprintf("clawjail says %s: %s", c.verdict, reason)), maxPolicyReason)
	}
	list := append(append([]skill.Finding{}, c.outcome.Findings...), findingsOf(c.report, most)...)
	for _, f := range list[:min(len(list), most)] {
		a.Findings = append(a.Findings, policyFinding{Rule: f.Rule, Severity: policySeverity(f.Severity), Message: clipText(readable(f.Message), maxPolicyMessage),
			File: clipText(readable(f.File), 80), Line: f.Line})
	}
	return a
}

func policySeverity(s skill.Severity) string {
	switch s {
	case skill.Critical:
		return "critical"
	case skill.High, skill.Medium:
		return "warn"
	}
	return "info"
}
