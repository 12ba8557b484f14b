package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
)

// What a record may hold; Append cuts what is longer and sets Truncated. The
// worst case, every byte escaped sixfold, stays under MaxLineBytes.
const (
	MaxTextBytes = 4096     // of each string but the arguments: PATH_MAX
	MaxArgs      = 1024     // arguments
	MaxArgvBytes = 32 << 10 // all arguments together
)

// bound cuts a record to the limits.
func bound(r *Record) {
	s := &r.Subject
	texts := [...]*string{
		&r.Boot, &r.Jail, &r.ExecID, &r.Parent, &r.Gate, &r.Verdict, &r.Rule, &r.Tier,
		&s.Op, &s.Name, &s.Path, &s.Path2, &s.ArgvSHA256, &s.SHA256, &s.Host, &s.Addr, &s.Proto, &s.Signal, &s.Class, &s.Message,
	}
	for _, t := range texts {
		if len(*t) > MaxTextBytes {
			*t = (*t)[:MaxTextBytes]
			s.Truncated = true
		}
	}
	if d := r.Decision; d != nil {
		cut := *d // the caller's is not ours to change
		for _, t := range [...]*string{&cut.ID, &cut.By, &cut.Digest, &cut.Reason} {
			if len(*t) > MaxTextBytes {
				*t = (*t)[:MaxTextBytes]
				s.Truncated = true
			}
		}
		cut.HeldMS = finite(cut.HeldMS)
		r.Decision = &cut
	}
	s.DurationMS = finite(s.DurationMS)
	boundArgv(s)
}

// finite turns what JSON cannot say into 0, and so does it with -0.
func finite(f float64) float64 {
	if f == 0 || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// boundArgv cuts the arguments and keeps their number and a digest of the
// whole, so that two long command lines can still be told apart.
func boundArgv(s *Subject) {
	total, keep := 0, 0
	for _, a := range s.Argv {
		if total+len(a) > MaxArgvBytes || keep == MaxArgs {
			break
		}
		total += len(a)
		keep++
	}
	if keep == len(s.Argv) {
		return
	}
	h := sha256.New()
	for _, a := range s.Argv {
		h.Write([]byte(a))
		h.Write([]byte{0})
	}
	s.Argc, s.ArgvSHA256, s.Truncated = len(s.Argv), hex.EncodeToString(h.Sum(nil)), true
	cut := append([]string(nil), s.Argv[:keep]...)
	if keep < MaxArgs && total < MaxArgvBytes {
		cut = append(cut, s.Argv[keep][:MaxArgvBytes-total])
	}
	s.Argv = cut
}
