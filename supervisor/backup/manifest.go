package backup

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"time"
)

// Schema is the version of a backup's form.
const Schema = 1

// domain keeps the signature from being one of something else.
const domain = "clawjail-backup-v1\x00"

// The bounds of a backup.
const (
	MaxFiles    = 1_000_000
	maxManifest = 512 << 20
	maxSig      = 4 << 10
)

const (
	nameManifest = "manifest.json"
	nameSig      = "manifest.sig"
)

// Manifest says what is in a backup.
type Manifest struct {
	Schema  int       `json:"schema"`
	Created time.Time `json:"created"`
	Host    string    `json:"host"`
	Version string    `json:"version"`
	Boot    string    `json:"boot"`
	Entries []Entry   `json:"entries"`
}

// Entry is a file, a directory or a link.
type Entry struct {
	Path   string      `json:"path"` // state/… or config/…
	Mode   fs.FileMode `json:"mode"`
	UID    int         `json:"uid"`
	GID    int         `json:"gid"`
	Size   int64       `json:"size,omitempty"`
	SHA256 string      `json:"sha256,omitempty"` // of a file
	Target string      `json:"target,omitempty"` // of a link
}

// signature is what manifest.sig holds.
type signature struct {
	Key       string `json:"key"` // its id
	Signature []byte `json:"signature"`
}

// Signer signs for a domain; seal.Private is one.
type Signer interface {
	Sign(domain string, message []byte) (signature []byte, keyID string)
}

// Checker checks a signature; a list of seal.Public is one.
type Checker interface {
	CheckMessage(domain string, message, signature []byte, keyID string) error
}

func decodeManifest(b []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("manifest: %w", err)
	}
	if m.Schema != Schema {
		return m, fmt.Errorf("manifest: schema %d; this program knows %d", m.Schema, Schema)
	}
	return m, nil
}
