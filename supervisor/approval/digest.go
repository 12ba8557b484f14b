package approval

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strconv"
)

// digestForm begins every digest; another order or set of fields gets another.
const digestForm = "clawjail approval 1"

// Digest is the sha256, in hex, of exactly what an approver is shown and binds
// himself to. Every field goes in with its name, every text with its length, so
// that no two requests have the same encoding.
func Digest(r Request) string {
	d := digester{sha256.New()}
	d.text("form", digestForm)
	d.text("jail", r.Jail)
	d.text("jail_name", r.JailName)
	d.text("agent", r.Agent)
	d.text("policy", r.Policy)
	d.text("started_by", strconv.FormatUint(uint64(r.StartedBy), 10))
	d.text("gate", r.Gate)
	d.text("op", r.Op)
	d.list("argv", r.Argv)
	d.list("argv_tail", r.ArgvTail)
	d.text("argc", strconv.Itoa(r.Argc))
	d.text("argv_bytes", strconv.FormatInt(r.ArgvBytes, 10))
	d.text("argv_sha256", r.ArgvSHA256)
	d.text("path", r.Path)
	d.text("path2", r.Path2)
	d.text("sha256", r.SHA256)
	d.text("host", r.Host)
	addr := ""
	if r.Addr.IsValid() {
		addr = r.Addr.String()
	}
	d.text("addr", addr)
	d.text("port", strconv.Itoa(int(r.Port)))
	d.text("cwd", r.Cwd)
	d.count("parents", len(r.Parents))
	for _, p := range r.Parents {
		d.text("path", p.Path)
		d.list("argv", p.Argv)
		d.text("cut", strconv.FormatBool(p.ArgvCut))
	}
	d.count("parents_cut", r.ParentsCut)
	d.text("rule", r.Rule)
	d.list("impact", r.Impact)
	d.text("reversible", string(r.Reversible))
	d.list("notes", r.Notes)
	d.text("claim", r.Claim)
	d.text("key", r.Key)
	return hex.EncodeToString(d.h.Sum(nil))
}

type digester struct{ h hash.Hash }

func (d digester) text(name, s string) {
	d.count(name, len(s))
	d.h.Write([]byte(s)) // a hash never fails
}

func (d digester) list(name string, words []string) {
	d.count(name, len(words))
	for _, w := range words {
		d.text("", w)
	}
}

func (d digester) count(name string, n int) {
	var b []byte
	b = binary.AppendUvarint(b, uint64(len(name)))
	b = append(b, name...)
	b = binary.AppendUvarint(b, uint64(n))
	d.h.Write(b)
}
