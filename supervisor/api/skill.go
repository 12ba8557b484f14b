package api

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// SkillRequest asks a human whether a skill may be installed or go on being
// used. All of it is shown, and what is decided is bound to all of it.
type SkillRequest struct {
	Name string `json:"name"`
	Op   string `json:"op"` // install, update or approve
	// Tree and Root are digests of the skill, Policy that of the text that it
	// would run under: "sha256:" and hex.
	Tree    string `json:"tree"`
	Root    string `json:"root"`
	Policy  string `json:"policy"`
	RuleSet string `json:"rule_set"`
	Verdict string `json:"verdict"` // of the audit
	Source  string `json:"source"`
	// Lines are for the approver: signers, permissions that came and went,
	// findings. At most MaxSkillLines of at most MaxSkillLine bytes.
	Lines []string `json:"lines,omitempty"`
	// Decided says that nobody has to be asked about the skill itself: only whether
	// it may be over a limit.
	Decided bool `json:"decided,omitempty"`
	// For is the jail, by id or name, whose approved install_skill this is; empty
	// where it is the caller's own.
	For string `json:"for,omitempty"`
}

// The outcomes of a request about which no human was asked.
const (
	SkillAllowed = "allowed" // by whoever asks, and counted
	SkillDenied  = "denied"  // by a limit, or for want of an approved action
)

// Counts reports whether a request is about an action of installing, and not about
// going on with what is installed.
func (r SkillRequest) Counts() bool { return r.Op != "approve" }

// SkillEvent is something that was done with a skill, to be recorded.
type SkillEvent struct {
	Name    string `json:"name"`
	Op      string `json:"op"` // installed, removed, reaudited, refused
	Tree    string `json:"tree,omitempty"`
	Verdict string `json:"verdict,omitempty"` // allow or deny
	Message string `json:"message,omitempty"`
}

// Limits of what is said about a skill.
const (
	MaxSkillLines = 12
	MaxSkillLine  = 1000
	maxSkillFor   = 128
)

// Check says what no request about a skill can be.
func (r SkillRequest) Check() error {
	var errs []error
	errs = append(errs, checkSkill(r.Name, r.Op, "install", "update", "approve"))
	for what, d := range map[string]string{"tree": r.Tree, "root": r.Root, "policy": r.Policy} {
		errs = append(errs, checkDigest(what, d))
	}
	for what, s := range map[string]string{"rule_set": r.RuleSet, "verdict": r.Verdict, "source": r.Source} {
		if len(s) > 400 {
			errs = append(errs, fmt.Errorf("%s has %d bytes, at most 400", what, len(s)))
		}
	}
	if len(r.For) > maxSkillFor {
		errs = append(errs, fmt.Errorf("for has %d bytes, at most %d", len(r.For), maxSkillFor))
	}
	if !r.Counts() && (r.Decided || r.For != "") {
		errs = append(errs, errors.New("what is approved again is a person's to decide, and no jail's"))
	}
	if len(r.Lines) > MaxSkillLines {
		errs = append(errs, fmt.Errorf("%d lines, at most %d", len(r.Lines), MaxSkillLines))
	}
	for _, l := range r.Lines {
		if len(l) > MaxSkillLine {
			errs = append(errs, fmt.Errorf("a line has %d bytes, at most %d", len(l), MaxSkillLine))
		}
	}
	return errors.Join(errs...)
}

// Check says what no event of a skill can be.
func (e SkillEvent) Check() error {
	errs := []error{checkSkill(e.Name, e.Op, "installed", "removed", "reaudited", "refused")}
	if e.Tree != "" {
		errs = append(errs, checkDigest("tree", e.Tree))
	}
	if e.Verdict != "" && e.Verdict != "allow" && e.Verdict != "deny" {
		errs = append(errs, fmt.Errorf("the verdict %q is not allow or deny", e.Verdict))
	}
	if len(e.Message) > MaxSkillLine {
		errs = append(errs, fmt.Errorf("the message has %d bytes, at most %d", len(e.Message), MaxSkillLine))
	}
	return errors.Join(errs...)
}

func checkSkill(name, op string, ops ...string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`).MatchString(name) {
		return errors.New("the name is not that of a skill")
	}
	for _, o := range ops {
		if op == o {
			return nil
		}
	}
	return fmt.Errorf("the operation is not one of %s", strings.Join(ops, ", "))
}

func checkDigest(what, s string) error {
	if !regexp.MustCompile(`^sha256:[0-9a-f]{64}$`).MatchString(s) {
		return fmt.Errorf("%s is no digest", what)
	}
	return nil
}
