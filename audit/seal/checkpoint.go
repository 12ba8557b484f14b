package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Schema is the version of a checkpoint's form.
const Schema = 1

// Genesis is the Prev of the first checkpoint.
const Genesis = "0000000000000000000000000000000000000000000000000000000000000000"

// MaxLineBytes bounds a checkpoint's line.
const MaxLineBytes = 4 << 10

// Kind is what a checkpoint says.
type Kind string

// The kinds.
const (
	Mark   Kind = "checkpoint" // the log stood here
	Retire Kind = "retire"     // everything up to here was removed by retention
	NewKey Kind = "key"        // from here on another key signs
)

// Checkpoint is one signed line.
type Checkpoint struct {
	Schema int       `json:"schema"`
	Kind   Kind      `json:"kind"`
	N      uint64    `json:"n"`    // number of this line, from 1
	Seq    uint64    `json:"seq"`  // of the last record covered
	Head   string    `json:"head"` // hex SHA-256 of that record's line
	Time   time.Time `json:"time"` // by the wall clock, UTC
	Boot   string    `json:"boot"`
	Reason string    `json:"reason,omitempty"`   // of a retirement
	Next   string    `json:"next_key,omitempty"` // public half of the new key, DER in base64
	Key    string    `json:"key"`                // id of the key that signed
	Prev   string    `json:"prev"`               // hex SHA-256 of the checkpoint line before
	Sig    string    `json:"sig,omitempty"`      // base64 ed25519 over domain and the line without it
}

// domain keeps a signature from meaning anything elsewhere.
const domain = "clawjail audit checkpoint v1\n"

// message gives what is signed.
func (c Checkpoint) message() ([]byte, error) {
	c.Sig = ""
	b, err := json.Marshal(c)
	return append([]byte(domain), b...), err
}

func (c *Checkpoint) sign(k Private) error {
	c.Schema, c.Key = Schema, k.Public().ID()
	m, err := c.message()
	if err != nil {
		return err
	}
	c.Sig = base64.StdEncoding.EncodeToString(ed25519.Sign(k.key, m))
	return nil
}

// Check reports whether the key signed the checkpoint.
func (c Checkpoint) Check(p Public) error {
	if c.Key != p.ID() {
		return fmt.Errorf("signed by key %s, not by %s", c.Key, p.ID())
	}
	sig, err := base64.StdEncoding.DecodeString(c.Sig)
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	m, err := c.message()
	if err != nil {
		return err
	}
	if !ed25519.Verify(p.key, m, sig) {
		return errors.New("the signature does not fit: the checkpoint was altered, or another key wrote it")
	}
	return nil
}

// NextKey gives the key that a NewKey hands over to.
func (c Checkpoint) NextKey() (Public, error) {
	der, err := base64.StdEncoding.DecodeString(c.Next)
	if err != nil {
		return Public{}, fmt.Errorf("next key: %w", err)
	}
	return parseDER(der)
}

// Encode gives the line of a checkpoint without its newline.
func (c Checkpoint) Encode() ([]byte, error) { return json.Marshal(c) }

// Decode reads a line. It takes only what Encode gives, byte for byte.
func Decode(line []byte) (Checkpoint, error) {
	var c Checkpoint
	if len(line) > MaxLineBytes {
		return c, fmt.Errorf("checkpoint of %d bytes; %d are allowed", len(line), MaxLineBytes)
	}
	if err := json.Unmarshal(line, &c); err != nil {
		return c, fmt.Errorf("checkpoint: %w", err)
	}
	if c.Schema != Schema {
		return c, fmt.Errorf("checkpoint of schema %d; this program knows %d", c.Schema, Schema)
	}
	switch c.Kind {
	case Mark, Retire, NewKey:
	default:
		return c, fmt.Errorf("unknown kind of checkpoint %q", c.Kind)
	}
	if !isHash(c.Head) || !isHash(c.Prev) || c.N == 0 {
		return c, errors.New("checkpoint without number, head or predecessor")
	}
	again, err := c.Encode()
	if err != nil {
		return c, err
	}
	if !bytes.Equal(again, line) {
		return c, errors.New("checkpoint is not written as it is signed")
	}
	return c, nil
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

func hashLine(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}
