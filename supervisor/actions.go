package supervisor

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/jail/egress"
	"clawjail/policy"
	"clawjail/supervisor/action"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/config/secret"
	"clawjail/supervisor/limit"
	"clawjail/supervisor/limit/counter"
)

// openActions makes what serves the jails' action sockets.
func (s *Supervisor) openActions() error {
	limits, err := s.openCounter()
	if err != nil {
		return err
	}
	ofHost, err := s.opt.Config.HostLimits()
	if err != nil {
		return fmt.Errorf("action_limits.defaults: %w", err)
	}
	s.actions = action.New(action.Options{
		Dir:        filepath.Join(s.opt.Config.RunDir, "actions"),
		Limits:     limits,
		HostLimits: ofHost,
		Ask:        s.approvals.Submit,
		Record:     s.audit.append,
		Told: func(j action.Jail, r audit.Record) {
			s.approvals.Tell(approval.Done{Jail: j.ID, JailName: j.Name, Gate: r.Gate, Rule: r.Rule, Key: strings.Join(r.Subject.Argv, "\x00"),
				What: func() string { return show.Clip(show.Words(r.Subject.Argv), maxNotice) }})
		},
		Count:  func(verdict string) { s.metrics.decide(audit.GateAction, verdict) },
		Logger: s.log,
	})
	return nil
}

// openCounter gives what limits of actions are counted with: this host's own
// store, or what hosts share.
func (s *Supervisor) openCounter() (limit.Counter, error) {
	c := s.opt.Config
	if len(c.LimitRedis) == 0 {
		return s.limits, nil
	}
	set := counter.Settings{Addrs: c.LimitRedis, Username: c.LimitRedisUser, TLS: c.LimitRedisTLS}
	if c.LimitRedisPassword != "" {
		b, err := secret.Read(c.LimitRedisPassword)
		if err != nil {
			return nil, fmt.Errorf("action_limits.redis_password_file: %w", err)
		}
		set.Password = strings.TrimSpace(string(b))
	}
	if c.LimitRedisCA != "" {
		var err error
		if set.CA, err = certificates(c.LimitRedisCA); err != nil {
			return nil, fmt.Errorf("action_limits.redis_ca_file: %w", err)
		}
	}
	// Whether anything was counted there yet, only this file can tell: an empty
	// store may be new, or have forgotten.
	begun := filepath.Join(c.StateDir, "limits.shared")
	if _, err := os.Stat(begun); errors.Is(err, os.ErrNotExist) {
		set.Begin = true
		if err := os.WriteFile(begun, []byte(strings.Join(c.LimitRedis, "\n")+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	client, err := counter.Start(s.opt.Namespaces, filepath.Join(s.opt.Binaries, "clawjail-counter"), c.GatewayUID, c.GatewayGID, set, s.log)
	if err != nil {
		return nil, err
	}
	s.counter = client
	return limit.Sharing{Remote: client, Local: s.limits, Hosts: int64(c.LimitHosts)}, nil
}

// maxCertificates bounds a file of certificates, in bytes: the process that counts
// gets it with its settings.
const maxCertificates = 128 << 10

// certificates reads a file with certificates in PEM.
func certificates(setting string) (string, error) {
	path, err := secret.Path(setting)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO must not hold the start up
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCertificates+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxCertificates {
		return "", fmt.Errorf("%s has more than %d bytes", path, maxCertificates)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(b) {
		return "", fmt.Errorf("%s has no certificate in PEM", path)
	}
	return string(b), nil
}

// closeCounter ends the process that counts.
func (s *Supervisor) closeCounter() {
	if s.counter != nil {
		s.counter.Close()
	}
}

// actionClient is the program in jails, if it is installed.
func (s *Supervisor) actionClient() string {
	path := filepath.Join(s.opt.Binaries, action.ClientName)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// act has a jail's actions answered. What is before the jail's start is refused.
func (b *build) act() {
	e := b.entry
	who := action.Jail{ID: e.jail.ID, Name: e.jail.Name, StartedBy: e.jail.By, Policy: b.plan.Policy}
	if len(e.jail.Argv) > 0 {
		who.Agent = filepath.Base(e.jail.Argv[0])
	}
	b.s.actions.Start(who)
}

// actAgain does that for a jail of the supervisor before.
func (b *build) actAgain() error {
	if err := b.s.actions.Open(b.entry.jail.ID); err != nil {
		return err
	}
	b.act()
	return nil
}

// unact ends a jail's actions.
func (b *build) unact() {
	if err := b.s.actions.End(b.entry.jail.ID); err != nil {
		b.s.log.Error("end the actions of a jail", "jail", b.entry.jail.ID, "error", err)
	}
}

// sweepActions removes what is left of jails that are gone.
func (s *Supervisor) sweepActions() {
	err := s.actions.Sweep(func(id string) bool {
		live := false
		s.loop.do(func(t *table) { live = t.live[id] != nil })
		return live
	})
	if err != nil {
		s.log.Error("remove action sockets of jails that are gone", "error", err)
	}
}

// spend answers egress about a connection that an action owns; owned is false for
// any other.
func (s *Supervisor) spend(ctx context.Context, v *jailView, a egress.Ask) (verdict egress.Verdict, owned bool) {
	needs, by := v.policy.Network.Needed(policy.Request{Gate: policy.GateConnect, Op: "connect", Host: a.Name, Addr: a.Addr, Port: a.Port})
	if needs == "" {
		return egress.Verdict{}, false
	}
	host := a.Name
	if host == "" {
		host = a.Addr.String()
	}
	ok, reason := s.actions.Spend(ctx, a.Jail, needs, fmt.Sprintf("%s:%d", host, a.Port), by)
	return egress.Verdict{Allow: ok, Reason: reason}, true
}

// actionRoutes adds the calls about actions.
func (s *Supervisor) actionRoutes(add func(string, func(*call) (any, *api.Error))) {
	add("GET /v1/limits", (*call).limits)
}

// limits lists what is used of the limits of every jail that runs, and of those
// that the caller's own installations of skills are under.
func (c *call) limits() (any, *api.Error) {
	out := []api.ActionLimit{}
	for _, st := range c.s.actions.Standings(installation(c.peer.UID)) {
		l := api.ActionLimit{Of: st.Limit.Of, Currency: st.Limit.Currency, Scope: string(st.Limit.Scope), Subject: st.Subject(), Max: st.Limit.Max,
			Used: st.Used, Left: max(0, st.Limit.Max-st.Used), PerNS: int64(st.Limit.Per), Over: st.Limit.Over.String(), Rule: st.Limit.Origin.String()}
		if st.Err != nil {
			l.Error, l.Left = st.Err.Error(), 0
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b api.ActionLimit) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Currency, b.Currency))
	})
	return out, nil
}

// actionLimits are the same for the console.
func (s *Supervisor) actionLimits() []api.Limit {
	var out []api.Limit
	for _, st := range s.actions.Standings() {
		l := api.Limit{Jail: st.Jail.ID, Name: st.Jail.Name, What: st.Limit.Of, Currency: st.Limit.Currency, Max: st.Limit.Max, Per: st.Limit.Per, Used: st.Used,
			Left: max(0, st.Limit.Max-st.Used), Over: st.Limit.Over.String(), Rule: st.Limit.Origin.String()}
		if st.Limit.Scope != policy.ScopeJail {
			l.Whose = "of each " + string(st.Limit.Scope)
		}
		if st.Err != nil {
			l.Problem, l.Left = st.Err.Error(), 0
		}
		out = append(out, l)
	}
	return out
}
