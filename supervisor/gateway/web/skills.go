package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"clawjail/policy/skill"
	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
)

// skillRecord is as much of the record of an installed skill as the page shows.
// It has fields of package policy/skill/store; what else is there is for others.
type skillRecord struct {
	Name      string       `json:"name"`
	Tree      string       `json:"tree"`
	Kinds     []string     `json:"kinds"`
	Installed time.Time    `json:"installed"`
	Report    skill.Report `json:"report"`
	Reaudit   *struct {
		At      time.Time       `json:"at"`
		Verdict skill.Verdict   `json:"verdict"`
		New     []skill.Finding `json:"new"`
	} `json:"reaudit"`
}

type skillsData struct {
	Skills     []skillRecord
	Unreadable int
}

func skillsPage(v *view) error {
	var list api.SkillRecords
	if err := v.s.up.get(v.r.Context(), v.access, "/v1/console/skills", &list); err != nil {
		return err
	}
	v.show(http.StatusOK, "skills", "skills", "Skills", false, skillsOf(list))
	return nil
}

// skillsOf reads the records of installed skills.
func skillsOf(list api.SkillRecords) skillsData {
	d := skillsData{Unreadable: list.Unreadable}
	for _, b := range list.Records {
		var r skillRecord
		if json.Unmarshal(b, &r) != nil || r.Name == "" {
			d.Unreadable++
			continue
		}
		d.Skills = append(d.Skills, r)
	}
	return d
}

// check is one line of the health page.
type check struct {
	Name, State, Detail, Hint string // State: ok, warn or bad
}

type healthData struct {
	Checks    []check
	Ping      api.Ping
	Stats     api.Stats
	Overrides []config.Override
}

func healthPage(v *view) error {
	d := healthData{Overrides: v.s.opt.Overrides}
	ctx, cancel := context.WithTimeout(v.r.Context(), 5*time.Second)
	defer cancel()
	d.Checks = v.s.health(ctx, &d, func(ctx context.Context) error { return v.s.up.get(ctx, v.access, "/v1/ping", &d.Ping) })
	v.show(http.StatusOK, "health", "health", "Health", false, d)
	return nil
}

// health looks at everything that the console knows of.
func (s *Server) health(ctx context.Context, d *healthData, ping func(context.Context) error) []check {
	var out []check
	add := func(bad bool, c check) {
		if c.State == "" {
			if c.State = "ok"; bad {
				c.State = "bad"
			}
		}
		if c.State == "ok" {
			c.Hint = ""
		}
		out = append(out, c)
	}
	err := ping(ctx)
	c := check{Name: "Supervisor", Detail: "answers; version " + d.Ping.Version + ", tier " + d.Ping.Tier, Hint: "on the host: systemctl status clawjail"}
	if err != nil {
		c.Detail = "does not answer: " + err.Error()
	}
	add(err != nil, c)
	if d.Ping.Warning != "" {
		add(true, check{Name: "Warning", State: "warn", Detail: d.Ping.Warning})
	}
	stats, err := s.opt.Stats(ctx)
	if err == nil {
		d.Stats = stats
		lost := uint64(0)
		for _, n := range stats.EventsLost {
			lost += n
		}
		add(stats.AuditErrors > 0, check{Name: "Audit log", Detail: count(stats.AuditRecords, "records") + ", " + count(stats.AuditErrors, "could not be written"), Hint: "look for space and errors of the disk with the log; clawjail audit verify"})
		add(stats.AuditSealErrors > 0, check{Name: "Signatures of the log", Detail: count(stats.AuditUnsigned, "records since the last one") + ", " + count(stats.AuditSealErrors, "failed"), Hint: "clawjail audit verify says more"})
		add(lost > 0, check{Name: "Events", Detail: count(lost, "lost"), Hint: "probes could not keep up: fewer jails on this host, or a policy that watches less"})
	}
	if !s.opt.Expires.IsZero() {
		left := time.Until(s.opt.Expires)
		c := check{Name: "Certificate", Detail: "valid until " + when(s.opt.Expires), Hint: "renew it and restart clawjail-gateway; clawjail config init --new-certificate makes one"}
		if left < 30*24*time.Hour && left > 0 {
			c.State = "warn"
		}
		add(left <= 0, c)
	}
	for _, o := range s.opt.Overrides {
		add(true, check{Name: "Accepted: " + o.Key, State: "warn", Detail: o.Risk, Hint: "remove it from accept in /etc/clawjail/config.yaml"})
	}
	return out
}

func count(n uint64, what string) string { return fmt.Sprintf("%d %s", n, what) }
