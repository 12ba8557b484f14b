package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clawjail/policy/skill"
)

// auditPredicate is the type of the predicate of an attested audit. It has no
// address: nothing is to be fetched to understand it.
const auditPredicate = "urn:clawjail:skill-audit:v1"

// maxAttestedPolicy bounds the policy's text in an attestation.
const maxAttestedPolicy = 1 << 20

// Attestation is what somebody's audit said of a skill, and the policy that was
// derived from it, to pass on to others.
type Attestation struct {
	// Name, Root and Tree say which skill it is about.
	Name string
	Root Digest
	Tree Digest
	// RuleSet are the rules that were applied.
	RuleSet string
	Verdict skill.Verdict
	// Report is the report's JSON, Policy the policy's YAML, both as they were.
	Report json.RawMessage
	Policy string
	At     time.Time
}

// The encoding of an attestation. The order of the fields is that of the JSON.
type (
	auditStatement struct {
		Type          string    `json:"_type"`
		Subject       []subject `json:"subject"`
		PredicateType string    `json:"predicateType"`
		Predicate     audited   `json:"predicate"`
	}
	audited struct {
		RuleSet string          `json:"ruleSet"`
		Tree    Digest          `json:"treeDigest"`
		Verdict skill.Verdict   `json:"verdict"`
		At      time.Time       `json:"auditedAt"`
		Policy  attestedPolicy  `json:"policy"`
		Digest  Digest          `json:"reportDigest"`
		Report  json.RawMessage `json:"report"`
	}
	attestedPolicy struct {
		Digest Digest `json:"digest"`
		Text   string `json:"text"`
	}
)

// PolicyDigest is the digest of the policy's text, as approvals have it.
func (a Attestation) PolicyDigest() Digest { return sha256.Sum256([]byte(a.Policy)) }

// SignAttestation makes a sigstore bundle around the attestation.
func SignAttestation(a Attestation, k *Key, chain []*x509.Certificate) ([]byte, error) {
	var report bytes.Buffer
	if err := json.Compact(&report, a.Report); err != nil {
		return nil, fmt.Errorf("the report to attest is no JSON: %w", err)
	}
	s := auditStatement{Type: statementType, PredicateType: auditPredicate,
		Subject: []subject{{Name: a.Name, Digest: map[string]string{"sha256": a.Root.Hex()}}},
		Predicate: audited{RuleSet: a.RuleSet, Tree: a.Tree, Verdict: a.Verdict, At: a.At.UTC().Truncate(time.Second),
			Policy: attestedPolicy{a.PolicyDigest(), a.Policy}, Digest: sha256.Sum256(report.Bytes()), Report: report.Bytes()}}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the report's bytes stay what their digest is of
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return SignBundle(bytes.TrimSuffix(b.Bytes(), []byte("\n")), k, chain)
}

// parseAttestation reads the statement of an attestation and refuses one that
// contradicts itself.
func parseAttestation(b []byte) (Attestation, error) {
	var s auditStatement
	if err := decodeOne(b, &s); err != nil {
		return Attestation{}, fmt.Errorf("the attestation is no JSON of its kind: %w", err)
	}
	a := Attestation{Tree: s.Predicate.Tree, RuleSet: s.Predicate.RuleSet, Verdict: s.Predicate.Verdict,
		Report: s.Predicate.Report, Policy: s.Predicate.Policy.Text, At: s.Predicate.At}
	switch {
	case s.Type != statementType:
		return a, fmt.Errorf("the attestation has the type %q, not %s", clip(s.Type), statementType)
	case s.PredicateType != auditPredicate:
		return a, fmt.Errorf("the statement's predicate is %q, not %s: it attests no audit", clip(s.PredicateType), auditPredicate)
	case len(s.Subject) != 1 || !ValidName(s.Subject[0].Name):
		return a, errors.New("the attestation is not about one skill with a name")
	case a.RuleSet == "" || len(a.RuleSet) > 200 || a.At.IsZero():
		return a, errors.New("the attestation does not say by which rules, or when")
	case len(a.Policy) > maxAttestedPolicy:
		return a, fmt.Errorf("the attested policy has %d bytes, at most %d", len(a.Policy), maxAttestedPolicy)
	case s.Predicate.Policy.Digest != a.PolicyDigest():
		return a, errors.New("the digest of the attested policy is not that of its text")
	case len(a.Report) == 0 || s.Predicate.Digest != sha256.Sum256(a.Report):
		return a, errors.New("the digest of the attested report is not that of its text")
	}
	a.Name = s.Subject[0].Name
	if err := a.Root.fromHex(s.Subject[0].Digest["sha256"]); err != nil {
		return a, fmt.Errorf("the subject of the attestation: %w", err)
	}
	return a, nil
}

// Attested holds an attestation against a skill and against who may vouch. The
// findings say why it does not count; rules are those that are applied here.
func (p Policy) Attested(m Manifest, data []byte, file, rules string) (Attestation, Vouch, []skill.Finding) {
	a, v, err := p.attestation(data)
	var untrusted *untrustedError
	switch {
	case errors.As(err, &untrusted):
		return a, v, []skill.Finding{finding("CJS-SIG-003", file, err.Error())}
	case err != nil:
		return a, v, []skill.Finding{finding("CJS-SIG-002", file, err.Error())}
	}
	v.File = file
	var out []skill.Finding
	changed := func(format string, args ...any) {
		out = append(out, finding("CJS-SIG-005", file, fmt.Sprintf(format, args...)))
	}
	if a.Name != m.Name {
		changed("the attestation is about the skill %q, this is %q", clip(a.Name), clip(m.Name))
	}
	if a.Root != m.Root() || a.Tree != m.Tree() && a.Tree != m.WithoutModes().Tree() {
		changed("the content is not what was audited: tree digest %s, attested was %s", m.Tree(), a.Tree)
	}
	if a.RuleSet != rules {
		changed("it was audited by other rules (%s) than there are here (%s); audit it again", clip(a.RuleSet), rules)
	}
	if a.Verdict == skill.Rejected {
		out = append(out, finding("CJS-SIG-005", file, "the attested verdict is rejected"))
	}
	return a, v, out
}

// attestation checks the signature first, then what it is over.
func (p Policy) attestation(data []byte) (Attestation, Vouch, error) {
	o, err := openBundle(data)
	if err != nil {
		return Attestation{}, Vouch{}, err
	}
	body, err := o.payload()
	if err != nil {
		return Attestation{}, Vouch{}, err
	}
	check, err := p.signedBy(o)
	if err != nil {
		return Attestation{}, Vouch{}, err
	}
	a, err := parseAttestation(body)
	if err != nil {
		return a, Vouch{}, err
	}
	v, err := check(a.Name)
	return a, v, err
}
