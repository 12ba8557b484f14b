package shared

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"clawjail/supervisor/limit"
)

// Bounds.
const (
	MaxClaims = limit.MaxClaims
	// Timeout bounds the wait for one answer, connecting included, if no other is given.
	Timeout = 500 * time.Millisecond
)

// Errors. All of them deny.
var (
	ErrAway   = limit.ErrAway
	ErrLost   = errors.New("the store of shared limits has forgotten what was used; restore it, or say that it may begin anew")
	ErrAnswer = errors.New("the store of shared limits answers what nobody understands")
)

// The names of what is not about one limit.
const (
	tag       = "{clawjail}"
	markerKey = tag + ":marker"
	timeKey   = tag + ":now"
)

// Options say where the store is.
type Options struct {
	// Addrs is one Redis, or several nodes of a cluster.
	Addrs              []string
	Username, Password string
	TLS                *tls.Config   // nil: none
	Timeout            time.Duration // 0: Timeout
}

// Store counts.
type Store struct {
	o      Options
	client redis.UniversalClient
	script *redis.Script
	marker atomic.Pointer[string]
	seed   string
	calls  atomic.Uint64
}

// Open makes a Store. It need not be reachable yet; until its marker was seen
// everything is an error.
func Open(o Options) (*Store, error) {
	if len(o.Addrs) == 0 {
		return nil, errors.New("open the store of shared limits: no address")
	}
	if o.Timeout == 0 {
		o.Timeout = Timeout
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand since Go 1.24
	s := &Store{o: o, script: redis.NewScript(take), seed: hex.EncodeToString(b[:])}
	s.client = redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: o.Addrs, Username: o.Username, Password: o.Password, TLSConfig: o.TLS,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout,
		ContextTimeoutEnabled: true, MaxRetries: -1, DisableIdentity: true,
	})
	return s, nil
}

// Close closes the connections.
func (s *Store) Close() error { return s.client.Close() }

// Begin makes the marker if there is none. Only somebody who knows that nothing
// was counted there yet may say so.
func (s *Store) Begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	if err := s.keeps(ctx); err != nil {
		return err
	}
	if err := s.client.SetNX(ctx, markerKey, s.seed, 0).Err(); err != nil {
		return awayOr(err)
	}
	return s.know(ctx)
}

// keeps refuses a Redis that throws things away, where that can be asked.
func (s *Store) keeps(ctx context.Context) error {
	got, err := s.client.ConfigGet(ctx, "maxmemory-policy").Result()
	if err == nil && got["maxmemory-policy"] != "" && got["maxmemory-policy"] != "noeviction" {
		return fmt.Errorf("redis has maxmemory-policy %q and may forget what was used; set it to noeviction", got["maxmemory-policy"])
	}
	return nil
}

// know reads the marker once. From then on it must stay.
func (s *Store) know(ctx context.Context) error {
	if s.marker.Load() != nil {
		return nil
	}
	m, err := s.client.Get(ctx, markerKey).Result()
	if errors.Is(err, redis.Nil) {
		return ErrLost
	}
	if err != nil {
		return awayOr(err)
	}
	s.marker.CompareAndSwap(nil, &m)
	return nil
}

// TakeAll takes every claim, or none if the limit of one has no room.
func (s *Store) TakeAll(claims []limit.Claim) (over []int, used []int64, err error) {
	return s.run("take", claims)
}

// Add takes every claim whatever the limits say.
func (s *Store) Add(claims []limit.Claim) error {
	_, _, err := s.run("add", claims)
	return err
}

// Room says what TakeAll would say, and takes nothing.
func (s *Store) Room(claims []limit.Claim) (over []int, used []int64, err error) {
	return s.run("room", claims)
}

// run runs the script.
func (s *Store) run(mode string, claims []limit.Claim) (over []int, used []int64, err error) {
	if err := check(claims); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.o.Timeout)
	defer cancel()
	if err := s.know(ctx); err != nil {
		return nil, nil, err
	}
	keys := []string{markerKey, timeKey}
	id := s.seed + strconv.FormatUint(s.calls.Add(1), 36)
	args := []any{mode, *s.marker.Load(), id}
	for _, c := range claims {
		keys = append(keys, tag+":e:"+c.Key, tag+":s:"+c.Key)
		args = append(args, c.N, c.Limit.Max, c.Limit.Per.Microseconds())
	}
	got, err := s.script.Run(ctx, s.client, keys, args...).Slice()
	if err != nil {
		return nil, nil, awayOr(err)
	}
	return decode(got, len(claims))
}

func check(claims []limit.Claim) error {
	if len(claims) == 0 || len(claims) > MaxClaims {
		return fmt.Errorf("%d claims: %w", len(claims), limit.ErrInvalid)
	}
	seen := make(map[string]bool, len(claims))
	for _, c := range claims {
		if c.N <= 0 || c.N > limit.MaxMax || c.Limit.Max < 0 || c.Limit.Max > limit.MaxMax || c.Limit.Per < time.Millisecond ||
			c.Limit.Per > limit.MaxPer || c.Key == "" || len(c.Key) > limit.MaxKey || seen[c.Key] {
			return fmt.Errorf("take %d of %q: %w", c.N, c.Key, limit.ErrInvalid)
		}
		seen[c.Key] = true
	}
	return nil
}

// decode reads the script's answer.
func decode(got []any, n int) (over []int, used []int64, err error) {
	word := func(i int) string {
		s, _ := got[i].(string)
		return s
	}
	if len(got) == 1 && word(0) == "lost" {
		return nil, nil, ErrLost
	}
	if len(got) != n+1 || word(0) != "ok" && word(0) != "over" {
		return nil, nil, ErrAnswer
	}
	used = make([]int64, n)
	for i := range n {
		text, full := strings.CutSuffix(word(i+1), "!")
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, nil, ErrAnswer
		}
		if used[i] = v; full && word(0) == "over" {
			over = append(over, i)
		}
	}
	if len(over) > 0 != (word(0) == "over") {
		return nil, nil, ErrAnswer
	}
	return over, used, nil
}

// awayOr tells a store that nobody reaches from one that answers with an error: a
// full or read-only one denies, and is never shared out.
func awayOr(err error) error {
	var answered redis.Error
	if errors.As(err, &answered) && !errors.Is(err, redis.Nil) {
		text := err.Error()
		for _, down := range []string{"LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"} {
			if strings.HasPrefix(text, down) {
				return fmt.Errorf("%w: %w", ErrAway, err)
			}
		}
		return fmt.Errorf("the store of shared limits refuses: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}
