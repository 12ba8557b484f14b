// Package trust says who vouches for a skill: the manifest of its files, the
// signatures over that manifest, and whose signatures count.
//
// # What is signed
//
// Manifest.Statement is the manifest as an in-toto Statement in the form of the
// OpenSSF model signing specification (OMS) 1.0, in one canonical encoding.
// Each resource also has its mode as an annotation, which OMS leaves room for
// and readers of OMS ignore. Two forms of signature are made and read:
//
//   - skill.oms.sig: a sigstore bundle 0.3 with a DSSE envelope around the
//     statement, by a key (Ed25519, ECDSA) or by a chain of certificates.
//   - skill.sig: what ssh-keygen -Y sign -n clawjail-skill@v1 makes of the
//     statement, which `clawjail skill sign --manifest` prints.
//
// Further signers put theirs into skill.NAME.oms.sig and skill.NAME.sig.
//
// # Whose signatures count
//
// A file in the manner of ssh-keygen's ALLOWED SIGNERS names the keys, each with
// principals, namespaces, the time it is valid in, the names of skills it may
// sign and the permissions that such a skill may ask for. A list of revoked keys
// and skills overrides it. A threshold asks for that many different principals.
// A signature says who, not that it is safe: the audit runs all the same.
//
// # Attested audits
//
// Attestation is the report of an audit with the policy that was derived from it,
// as an in-toto statement of its own predicate in the same kind of bundle. It
// counts for one tree digest and one set of rules: a change of either voids it,
// as it voids an approval. It is no signature over the files, nor the other way
// round: each reader refuses the other predicate.
//
// # Trust
//
// Signatures and the names of files are the publisher's and hostile: decoders
// are bounded and fuzzed, and nothing that a signature says about its own key
// is believed. The lists are the operator's; what cannot be read in them makes
// them unusable as a whole.
//
// Ownership and concurrency: functions over values.
//
// May be imported by everything that handles skills. Outside of the standard
// library it uses hiddeco/sshsig (the only reader of SSHSIG besides OpenSSH
// that checks what its PROTOCOL.sshsig demands), secure-systems-lab's dsse (the
// reference of the envelope) and golang.org/x/crypto/ssh for keys.
//
// # Decisions
//
//   - The root digest of OMS covers contents and their order, and no names and
//     modes: renaming a file can leave it as it is. So a tree is known by a
//     second digest, Manifest.Tree, which covers all of it; the store and
//     approvals go by that, and people are shown both.
//   - Nothing that a bundle lists as ignored is ignored here. What is not signed
//     is either not part of a skill (Ignored, and never installed) or a reason
//     to refuse it. OMS would let .github pass.
//   - Whether a file may be executed is part of what is signed. A bundle from
//     elsewhere says nothing of modes: such a skill is installed with none of
//     its files executable.
//   - The statement's subject is named for the skill by a line of SKILL.md's
//     front matter that anybody can find (NameIn), and not for the directory,
//     which changes from host to host while ssh-keygen needs the same bytes.
//     Nothing relies on the line before the signature over it was checked.
//   - Restrictions on names and permissions are options of the signers' file
//     that ssh-keygen does not know, and refuses. A comment that it would skip
//     is also one that a typing error would turn into no restriction at all.
//   - The threshold counts principals, not keys: two keys of one author are
//     one opinion.
//   - Keyless sigstore signatures are refused by name: they cannot be checked
//     without a transparency log's keys.
package trust
