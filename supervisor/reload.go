package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"clawjail/supervisor/config"
)

// reloadable are the settings that a running supervisor can change, by their names
// in JSON. The others are part of what it has opened; a restart changes them, and
// leaves the jails alone.
func reloadable() []string {
	return []string{"on_audit_loss", "on_supervisor_loss", "supervisor_loss_after", "max_jails", "resolvers"}
}

// live is the configuration in force.
func (s *Supervisor) live() config.Config {
	if c := s.reloaded.Load(); c != nil {
		return *c
	}
	return s.opt.Config
}

// Reload puts another configuration in force: all of it or, with an error, nothing.
// failed says that it could not be read at all. What came of it is recorded.
func (s *Supervisor) Reload(c config.Config, failed error) error {
	changed, err := []string(nil), failed
	if err == nil {
		changed, err = s.reloadTo(c)
	}
	if err != nil {
		s.log.Error("the configuration stays as it is", "error", err)
		s.audit.supervisor("reload", "refused, nothing has changed: "+err.Error())
		return err
	}
	message := "nothing has changed"
	if len(changed) > 0 {
		message = "changed " + strings.Join(changed, ", ")
	}
	s.log.Info("the configuration was read again", "what", message)
	s.audit.supervisor("reload", message)
	return nil
}

func (s *Supervisor) reloadTo(c config.Config) ([]string, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	changed, err := differences(s.live(), c)
	if err != nil {
		return nil, err
	}
	var fixed []string
	for _, field := range changed {
		if !slices.Contains(reloadable(), field) {
			fixed = append(fixed, field)
		}
	}
	if len(fixed) > 0 {
		return nil, fmt.Errorf("%s can only change with a restart, which leaves jails running: systemctl restart clawjail", strings.Join(fixed, ", "))
	}
	if len(changed) == 0 {
		return nil, nil
	}
	s.reloaded.Store(&c)
	s.loop.do(func(t *table) { t.max = c.MaxJails })
	if slices.Contains(changed, "on_audit_loss") {
		s.audit.recheck()
	}
	return changed, s.keepAgain(c)
}

// keepAgain tells the shims the rule for a supervisor that is lost.
func (s *Supervisor) keepAgain(c config.Config) error {
	var errs []error
	for _, b := range s.builds() {
		if b.setLoss(lossOf(c)) {
			errs = append(errs, b.keep(s.base))
		}
	}
	return errors.Join(errs...)
}

// builds are the jails that have a shim.
func (s *Supervisor) builds() (all []*build) {
	s.loop.do(func(t *table) {
		for _, e := range t.live {
			if e.build != nil {
				all = append(all, e.build)
			}
		}
	})
	return all
}

// differences names the fields in which two configurations differ.
func differences(a, b config.Config) ([]string, error) {
	var maps [2]map[string]json.RawMessage
	for i, c := range []config.Config{a, b} {
		text, err := json.Marshal(c)
		if err == nil {
			err = json.Unmarshal(text, &maps[i])
		}
		if err != nil {
			return nil, err
		}
	}
	var out []string
	for name, v := range maps[0] {
		if string(v) != string(maps[1][name]) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}
