package source

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"clawjail/policy/strict"
	"clawjail/supervisor/config"
)

// shapes reads a list of mappings whose values package config checks.
func shapes[T any](r *strict.Reader, n *yaml.Node, where string, most int, keys []string, read func(where string, f map[string]*yaml.Node, to *T)) []T {
	out := []T{}
	for i, item := range r.Items(n, where, most) {
		at := fmt.Sprintf("%s[%d]", where, i)
		var one T
		read(at, r.Fields(item, at, keys...), &one)
		out = append(out, one)
	}
	return out
}

// plain reads a value that YAML may take for something else: a time, a date.
func plain(r *strict.Reader, where, key string, fields map[string]*yaml.Node, to *string) {
	if n := fields[key]; n != nil {
		*to, _ = r.Word(n, where+"."+key)
	}
}

func readPeople(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
	c.People = shapes(r, n, s.key, config.MaxPeople, config.PersonKeys(), func(where string, f map[string]*yaml.Node, p *config.Person) {
		text(r, where, "name", f, &p.Name)
		text(r, where, "account", f, &p.Account)
		list(r, where, "channels", f, &p.Channels)
	})
}

func readGroups(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
	c.Groups = shapes(r, n, s.key, config.MaxGroups, config.GroupKeys(), func(where string, f map[string]*yaml.Node, g *config.Group) {
		text(r, where, "name", f, &g.Name)
		list(r, where, "people", f, &g.People)
		text(r, where, "unix", f, &g.Unix)
		list(r, where, "channels", f, &g.Channels)
	})
}

func readDelegates(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
	c.Delegates = shapes(r, n, s.key, config.MaxDelegates, config.DelegateKeys(), func(where string, f map[string]*yaml.Node, d *config.Delegate) {
		for key, to := range map[string]*string{"person": &d.Person, "to": &d.To, "zone": &d.Zone} {
			text(r, where, key, f, to)
		}
		plain(r, where, "from", f, &d.From)
		plain(r, where, "until", f, &d.Until)
	})
}

func readCategories(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
	c.Categories = shapes(r, n, s.key, config.MaxApprovals, config.CategoryKeys(), func(where string, f map[string]*yaml.Node, k *config.Category) {
		text(r, where, "name", f, &k.Name)
		text(r, where, "severity", f, &k.Severity)
		list(r, where, "of", f, &k.Of)
		list(r, where, "by", f, &k.By)
		if v := f["four_eyes"]; v != nil {
			k.FourEyes = r.Boolean(v, where+".four_eyes")
		}
		if v := f["repeat"]; v != nil {
			d, _ := r.Duration(v, where+".repeat", strict.Range{Most: int64(7 * 24 * time.Hour)})
			again := config.Duration(d)
			k.Repeat = &again
		}
		if v := f["escalate"]; v != nil {
			k.Escalate = shapes(r, v, where+".escalate", config.MaxSteps, config.StepKeys(), func(where string, f map[string]*yaml.Node, st *config.Step) {
				text(r, where, "to", f, &st.To)
				if v := f["after"]; v != nil {
					d, _ := r.Duration(v, where+".after", strict.Range{Most: int64(7 * 24 * time.Hour)})
					st.After = config.Duration(d)
				}
			})
		}
	})
}

func readQuiet(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
	c.Quiet = shapes(r, n, s.key, config.MaxQuiet, config.QuietKeys(), func(where string, f map[string]*yaml.Node, q *config.Quiet) {
		list(r, where, "channels", f, &q.Channels)
		list(r, where, "days", f, &q.Days)
		text(r, where, "zone", f, &q.Zone)
		text(r, where, "pass", f, &q.Pass)
		plain(r, where, "from", f, &q.From)
		plain(r, where, "until", f, &q.Until)
	})
}

// descend finds what stands below a value: keys of mappings, numbers of entries.
// It stops where there is no more.
func descend(n *yaml.Node, path []string) *yaml.Node {
	for _, p := range path {
		next := below(n, p)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func below(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.SequenceNode {
		i := 0
		if _, err := fmt.Sscanf(key, "%d", &i); err == nil && i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
