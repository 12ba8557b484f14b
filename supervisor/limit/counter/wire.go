package counter

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clawjail/supervisor/limit"
)

// MaxLine bounds a message: MaxClaims claims with the longest keys, escaped.
const MaxLine = 256 << 10

// maxError bounds the words of an error.
const maxError = 512

// Settings say where the store is. They are the first line to the process.
type Settings struct {
	Addrs    []string `json:"addrs"`
	Username string   `json:"username,omitempty"`
	Password string   `json:"password,omitempty"`
	TLS      bool     `json:"tls,omitempty"`
	// CA are the certificates to go by, in PEM; "" are those of this host.
	CA string `json:"ca,omitempty"`
	// Begin lets the process say that nothing was counted before, if the store is
	// empty.
	Begin bool `json:"begin,omitempty"`
}

// Modes of a Call.
const (
	Take = "take"
	Add  = "add"
	Room = "room"
)

// Call is one operation.
type Call struct {
	ID     uint64  `json:"id"`
	Mode   string  `json:"mode"`
	Claims []Claim `json:"claims"`
}

// Claim is a limit.Claim.
type Claim struct {
	Key string `json:"key"`
	Max int64  `json:"max"`
	Per int64  `json:"per_ns"`
	N   int64  `json:"n"`
}

// Reply answers a Call.
type Reply struct {
	ID    uint64  `json:"id"`
	Over  []int   `json:"over,omitempty"`
	Used  []int64 `json:"used,omitempty"`
	Error string  `json:"error,omitempty"`
	Away  bool    `json:"away,omitempty"` // with Error: the store does not answer
}

// List gives the claims of a call.
func (c Call) List() []limit.Claim {
	out := make([]limit.Claim, len(c.Claims))
	for i, x := range c.Claims {
		out[i] = limit.Claim{Key: x.Key, Limit: limit.Limit{Max: x.Max, Per: time.Duration(x.Per)}, N: x.N}
	}
	return out
}

// check looks at a reply to a call of n claims.
func (r Reply) check(n int) error {
	if r.Error != "" {
		text := r.Error[:min(len(r.Error), maxError)]
		if r.Away {
			return fmt.Errorf("%w: %q", limit.ErrAway, text)
		}
		return fmt.Errorf("the store of shared limits: %q", text)
	}
	bad := errors.New("clawjail-counter answers what makes no sense")
	if len(r.Used) != n || len(r.Over) > n {
		return bad
	}
	for _, u := range r.Used {
		if u < 0 {
			return bad
		}
	}
	last := -1
	for _, i := range r.Over {
		if i <= last || i >= n {
			return bad
		}
		last = i
	}
	return nil
}

// encode gives a message as its line.
func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(b) >= MaxLine {
		return nil, fmt.Errorf("a message of %d bytes, at most %d", len(b), MaxLine-1)
	}
	return append(b, '\n'), nil
}
