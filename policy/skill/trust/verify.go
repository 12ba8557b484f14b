package trust

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// MaxSignatures bounds the signatures of one skill.
const MaxSignatures = 16

// Signature is one signature as it was found.
type Signature struct {
	File string // its name
	Data []byte
}

// Policy says whose signatures count.
type Policy struct {
	Signers Signers
	Revoked Revoked
	// Threshold is how many different principals must have signed; less than 1
	// is 1.
	Threshold int
	Now       time.Time
}

// Vouch is one signature that counts.
type Vouch struct {
	Principal string `json:"principal"`
	// Key is the fingerprint of the key, and Certificate of the leaf.
	Key         string `json:"key"`
	Certificate string `json:"certificate,omitempty"`
	// Root is that of the list's certificate that the leaf goes back to.
	Root string `json:"root,omitempty"`
	File string `json:"file"`
	// Permissions are the kinds that the skill may ask for; nil: all.
	Permissions []string `json:"permissions"`
	// Modes says that the modes of the files were signed.
	Modes bool `json:"modes"`
}

// Outcome is what the signatures of a skill are worth.
type Outcome struct {
	// Verified says that the skill is exactly what enough signers signed.
	Verified bool    `json:"verified"`
	Vouches  []Vouch `json:"vouches,omitempty"`
	// Findings say why not.
	Findings []skill.Finding `json:"findings,omitempty"`
	// Notes are about signatures that do not count while others suffice.
	Notes []string `json:"notes,omitempty"`
	// Modes says that every vouch is for the modes of the files too. Where it
	// is false no file may be executed.
	Modes bool `json:"modes"`
}

// Permissions are the kinds that every signer allows; nil when all are.
func (o Outcome) Permissions() []string {
	var out []string
	for _, v := range o.Vouches {
		switch {
		case v.Permissions == nil:
		case out == nil:
			out = slices.Clone(v.Permissions)
		default:
			out = slices.DeleteFunc(out, func(k string) bool { return !slices.Contains(v.Permissions, k) })
		}
	}
	return out
}

// Verify holds a skill against its signatures.
func Verify(m Manifest, sigs []Signature, p Policy) Outcome {
	if why, revoked := p.Revoked.Skill(m.Tree(), m.Root()); revoked {
		return Outcome{Findings: []skill.Finding{finding("CJS-SIG-003", "", "this very skill was revoked: "+why)}}
	}
	if len(sigs) == 0 {
		return Outcome{Findings: []skill.Finding{finding("CJS-SIG-001", "",
			"the skill has no signature; sign it with clawjail skill sign, or ask its publisher for skill.oms.sig or skill.sig")}}
	}
	if len(sigs) > MaxSignatures {
		return Outcome{Findings: []skill.Finding{finding("CJS-SIG-002", "", fmt.Sprintf("the skill has %d signatures, at most %d", len(sigs), MaxSignatures))}}
	}
	var o Outcome
	var bad []skill.Finding
	for _, s := range sigs {
		v, problems := p.one(m, s)
		if len(problems) > 0 {
			bad = append(bad, problems...)
			continue
		}
		o.Vouches = append(o.Vouches, v)
	}
	principals := map[string]bool{}
	o.Modes = len(o.Vouches) > 0
	for _, v := range o.Vouches {
		principals[v.Principal] = true
		o.Modes = o.Modes && v.Modes
	}
	need := max(p.Threshold, 1)
	if o.Verified = len(principals) >= need; o.Verified {
		for _, f := range bad {
			o.Notes = append(o.Notes, f.File+" does not count: "+f.Message)
		}
		return o
	}
	o.Findings = bad
	if len(principals) > 0 {
		o.Findings = append(o.Findings, finding("CJS-SIG-003", "", fmt.Sprintf("%d of %d required signers vouch for the skill", len(principals), need)))
	}
	return o
}

func finding(id, file, message string) skill.Finding {
	return rule.New(id, skill.Place{File: file}, message, "")
}

// one checks one signature.
func (p Policy) one(m Manifest, s Signature) (Vouch, []skill.Finding) {
	bad := func(id string, err error) (Vouch, []skill.Finding) {
		return Vouch{}, []skill.Finding{finding(id, s.File, err.Error())}
	}
	var v Vouch
	var err error
	signed := Signed{Manifest: m, Modes: true}
	switch FormOf(s.File) {
	case SSH:
		v, err = p.ssh(m, s)
	case Bundle:
		v, signed, err = p.bundle(s)
	default:
		return bad("CJS-SIG-002", errors.New("it is not named like a signature: skill.sig or skill.oms.sig"))
	}
	var untrusted *untrustedError
	switch {
	case errors.As(err, &untrusted):
		return bad("CJS-SIG-003", err)
	case err != nil:
		return bad("CJS-SIG-002", err)
	}
	if differences, total := signed.Compare(m); total > 0 {
		return Vouch{}, describe(s.File, differences, total)
	}
	v.File, v.Modes = s.File, signed.Modes
	return v, nil
}

// describe makes findings of how a skill differs from what was signed.
func describe(file string, differences []Difference, total int) []skill.Finding {
	const most = 20
	words := map[string]string{"changed": "was changed after it was signed", "missing": "was signed and is not there",
		"mode": "was signed with another mode", "extra": "is not signed"}
	var out []skill.Finding
	for _, d := range differences[:min(len(differences), most)] {
		id := "CJS-SIG-002"
		if d.Kind == "extra" {
			id = "CJS-SIG-004"
		}
		out = append(out, finding(id, d.Name, fmt.Sprintf("the file %s (%s)", words[d.Kind], file)))
	}
	if total > len(out) {
		out = append(out, finding("CJS-SIG-002", file, fmt.Sprintf("%d more files differ from what was signed", total-len(out))))
	}
	return out
}

// untrustedError says that a signature is good and does not count.
type untrustedError struct{ msg string }

func (e *untrustedError) Error() string { return e.msg }

func untrusted(format string, args ...any) error {
	return &untrustedError{fmt.Sprintf(format, args...)}
}

// ssh checks an SSH signature over the statement of the tree as it is.
func (p Policy) ssh(m Manifest, s Signature) (Vouch, error) {
	sig, err := openSSH(s.Data)
	if err != nil {
		return Vouch{}, err
	}
	fp := ssh.FingerprintSHA256(sig.PublicKey)
	if err := checkSSH(sig, m.Statement()); err != nil {
		return Vouch{}, fmt.Errorf("the signature by %s is not over these files: one was changed, added, removed or renamed, or has another mode, or the skill is not called %q", fp, m.Name)
	}
	return p.entry(m.Name, fp, func(e Signer) bool { return e.key != nil && e.Fingerprint() == fp })
}

// entry finds the entry of a key and says why it does not vouch. Of several
// entries for one key, one that does is enough.
func (p Policy) entry(name, fp string, is func(Signer) bool) (Vouch, error) {
	if why, revoked := p.Revoked.Key(fp); revoked {
		return Vouch{}, untrusted("the key %s was revoked: %s", fp, why)
	}
	err := untrusted("the key %s is not in the list of allowed signers; add it if you trust its owner", fp)
	for _, e := range p.Signers {
		if !is(e) {
			continue
		}
		if why := e.allowed(name, p.Now); why != nil {
			err = untrusted("%v", why)
			continue
		}
		return Vouch{Principal: e.Principals[0], Key: fp, Permissions: e.Permissions}, nil
	}
	return Vouch{}, err
}

// bundle checks a sigstore bundle: first the signature, then what it is over.
func (p Policy) bundle(s Signature) (Vouch, Signed, error) {
	o, err := openBundle(s.Data)
	if err != nil {
		return Vouch{}, Signed{}, err
	}
	body, err := o.payload()
	if err != nil {
		return Vouch{}, Signed{}, err
	}
	check, err := p.signedBy(o)
	if err != nil {
		return Vouch{}, Signed{}, err
	}
	signed, err := ParseStatement(body)
	if err != nil {
		return Vouch{}, Signed{}, err
	}
	v, err := check(signed.Name)
	return v, signed, err
}

// signedBy finds the key that the envelope was signed with. The returned
// function says what that is worth for a skill's name.
func (p Policy) signedBy(o opened) (func(name string) (Vouch, error), error) {
	if o.chain != nil {
		return p.signedByChain(o)
	}
	known := false
	for _, e := range p.Signers {
		if e.key == nil {
			continue
		}
		pub := cryptoKey(e.key)
		if pub == nil {
			continue
		}
		h, err := hint(pub)
		known = known || err == nil && h == o.hint
		if o.check(pub) != nil {
			continue
		}
		fp := e.Fingerprint()
		return func(name string) (Vouch, error) {
			return p.entry(name, fp, func(e Signer) bool { return e.key != nil && e.Fingerprint() == fp })
		}, nil
	}
	if known {
		return nil, fmt.Errorf("%w: the bundle was changed after it was signed", errBadSignature)
	}
	return nil, untrusted("the bundle was signed by a key (%s) that is not in the list of allowed signers", clip(cmp.Or(o.hint, "unnamed")))
}

// signedByChain checks the signature with the leaf, and the leaf's way to a
// root of the list.
func (p Policy) signedByChain(o opened) (func(name string) (Vouch, error), error) {
	leaf := o.chain[0]
	if err := checkPublic(leaf.PublicKey); err != nil {
		return nil, fmt.Errorf("the signer's certificate: %w", err)
	}
	if err := o.check(leaf.PublicKey); err != nil {
		return nil, fmt.Errorf("%w: the bundle was changed after it was signed", err)
	}
	key, err := ssh.NewPublicKey(leaf.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("the signer's certificate: %w", err)
	}
	fp := ssh.FingerprintSHA256(key)
	for _, c := range o.chain {
		if why, revoked := p.Revoked.Key(certificateFingerprint(c)); revoked {
			return nil, untrusted("the certificate of %q was revoked: %s", clip(c.Subject.CommonName), why)
		}
	}
	return func(name string) (Vouch, error) {
		v, err := p.entry(name, fp, func(e Signer) bool { return e.root != nil && p.leads(o.chain, e) == nil })
		if err != nil {
			return v, p.explainChain(o.chain, err)
		}
		v.Certificate = certificateFingerprint(leaf)
		for _, e := range p.Signers {
			if e.root == nil || p.leads(o.chain, e) != nil || e.allowed(name, p.Now) != nil {
				continue
			}
			v.Root = e.Fingerprint()
			v.Principal = nameMatching(leaf, e.Principals)
			break
		}
		return v, nil
	}, nil
}

// leads says why a chain does not lead to the root of an entry, or does not
// name one of its principals.
func (p Policy) leads(chain []*x509.Certificate, e Signer) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(e.root)
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	// ExtKeyUsageAny: certificates for signing code have one of several uses.
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: p.Now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return err
	}
	if u := chain[0].KeyUsage; u != 0 && u&x509.KeyUsageDigitalSignature == 0 {
		return errors.New("the certificate is not for signatures")
	}
	if nameMatching(chain[0], e.Principals) == "" {
		return fmt.Errorf("the certificate is for %s, none of the principals", clip(strings.Join(namesOf(chain[0]), ", ")))
	}
	return nil
}

// explainChain gives the reason for which a chain leads to no root, where there
// is one that says more than "not in the list".
func (p Policy) explainChain(chain []*x509.Certificate, err error) error {
	for _, e := range p.Signers {
		if e.root == nil {
			continue
		}
		why := p.leads(chain, e)
		var unknown x509.UnknownAuthorityError
		if why != nil && !errors.As(why, &unknown) {
			return untrusted("the certificate of the signer does not count: %v", why)
		}
	}
	return err
}

// namesOf are the names that a certificate is for.
func namesOf(c *x509.Certificate) []string {
	names := slices.Concat(c.EmailAddresses, c.DNSNames)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return names
}

// nameMatching gives the first name of a certificate that a pattern matches.
func nameMatching(c *x509.Certificate, principals []string) string {
	for _, n := range namesOf(c) {
		if matches(principals, n) {
			return n
		}
	}
	return ""
}
