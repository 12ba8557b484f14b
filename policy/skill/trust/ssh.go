package trust

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/hiddeco/sshsig"
)

// Namespace is what the SSH signatures of skills are made for.
const Namespace = "clawjail-skill@v1"

// maxSSH bounds an SSH signature: the largest key is an RSA one.
const maxSSH = 64 << 10

// SignSSH signs a statement as ssh-keygen -Y sign -n Namespace does.
func SignSSH(statement []byte, k *Key) ([]byte, error) {
	sig, err := sshsig.Sign(bytes.NewReader(statement), k.ssh, sshsig.HashSHA512, Namespace)
	if err != nil {
		return nil, fmt.Errorf("make the SSH signature: %w", err)
	}
	return sshsig.Armor(sig), nil
}

// openSSH reads an SSH signature.
func openSSH(data []byte) (*sshsig.Signature, error) {
	if len(data) > maxSSH {
		return nil, fmt.Errorf("the SSH signature has %d bytes, at most %d", len(data), maxSSH)
	}
	sig, err := sshsig.Unarmor(data)
	if err != nil {
		return nil, fmt.Errorf("the SSH signature is truncated or none: %w", err)
	}
	if sig.Namespace != Namespace {
		return nil, &namespaceError{sig.Namespace}
	}
	return sig, nil
}

// checkSSH checks a signature with the key that it names itself.
func checkSSH(sig *sshsig.Signature, statement []byte) error {
	err := sshsig.Verify(bytes.NewReader(statement), sig, sig.PublicKey, sig.HashAlgorithm, Namespace)
	if err != nil {
		return errBadSignature
	}
	return nil
}

// namespaceError says that a signature was made for something else.
type namespaceError struct{ got string }

func (e *namespaceError) Error() string {
	return fmt.Sprintf("the SSH signature was made for %q, not for %s; sign with ssh-keygen -Y sign -n %s", clip(e.got), Namespace, Namespace)
}

// errNotSSH is for keys that SSH has and this package does not take.
var errNotSSH = errors.New("not a kind of key that is read here")

// IsSignature reports whether a file at the top of a skill is a signature by
// its name and by what is in it. It says nothing about what it is worth.
func IsSignature(name string, data []byte) bool {
	switch FormOf(name) {
	case SSH:
		_, err := openSSH(data)
		return err == nil
	case Bundle:
		_, err := openBundle(data)
		return err == nil
	}
	return false
}
