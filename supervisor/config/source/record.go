package source

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"clawjail/policy/strict"
	"clawjail/supervisor/config"
)

// flow writes a list of records as YAML on one line; JSON is that.
func flow[T any](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "[]" // records of texts and numbers always can be written
	}
	return string(b)
}

// records reads a list of mappings. read takes the fields of one and gives its
// name and what is wrong with it, by key.
func records(r *strict.Reader, n *yaml.Node, key string, most int, keys []string, read func(where string, fields map[string]*yaml.Node) (string, config.Problems)) {
	var names []string
	for i, item := range r.Items(n, key, most) {
		where := fmt.Sprintf("%s[%d]", key, i)
		before := r.Count()
		fields := r.Fields(item, where, keys...)
		name, problems := read(where, fields)
		if r.Count() != before {
			continue // what would be checked is not what was written
		}
		for _, p := range problems {
			at := fields[p.Fields[0]]
			if at == nil {
				at = item
			}
			r.Problem(at, p.Hint, "%s.%s: %s", where, p.Fields[0], p.Msg)
		}
		if slices.Contains(names, name) {
			r.Problem(item, "", "%s.name: %q is there twice", where, name)
		}
		names = append(names, name)
	}
}

// text reads a text, if it is there.
func text(r *strict.Reader, where, key string, fields map[string]*yaml.Node, to *string) {
	if n := fields[key]; n != nil {
		*to, _ = r.Str(n, where+"."+key)
	}
}

// list reads a list of texts, if it is there.
func list(r *strict.Reader, where, key string, fields map[string]*yaml.Node, to *[]string) {
	n := fields[key]
	if n == nil {
		return
	}
	for i, item := range r.Items(n, where+"."+key, 64) {
		if s, ok := r.Str(item, fmt.Sprintf("%s.%s[%d]", where, key, i)); ok {
			*to = append(*to, s)
		}
	}
}

// length reads a length of time, if it is there.
func length(r *strict.Reader, where string, fields map[string]*yaml.Node, to *config.Duration) {
	if n := fields["timeout"]; n != nil {
		d, _ := r.Duration(n, where+".timeout", strict.Range{Least: int64(time.Second), Most: int64(10 * time.Minute)})
		*to = config.Duration(d)
	}
}

func readChannels(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
	c.Channels = []config.Channel{}
	records(r, n, s.key, config.MaxChannels, config.ChannelKeys(), func(where string, f map[string]*yaml.Node) (string, config.Problems) {
		var ch config.Channel
		for key, to := range map[string]*string{"name": &ch.Name, "kind": &ch.Kind, "severity": &ch.Severity, "url": &ch.URL, "url_file": &ch.URLFile,
			"secret_file": &ch.SecretFile, "server": &ch.Server, "tls": &ch.TLS, "from": &ch.From, "username": &ch.Username, "user": &ch.User} {
			text(r, where, key, f, to)
		}
		for key, to := range map[string]*[]string{"categories": &ch.Categories, "to": &ch.To, "command": &ch.Command} {
			list(r, where, key, f, to)
		}
		length(r, where, f, &ch.Timeout)
		c.Channels = append(c.Channels, ch)
		return ch.Name, ch.Problems()
	})
}

func readPlaybook(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
	c.Playbook = []config.Play{}
	records(r, n, s.key, config.MaxPlays, config.PlayKeys(), func(where string, f map[string]*yaml.Node) (string, config.Problems) {
		var p config.Play
		for key, to := range map[string]*string{"name": &p.Name, "at": &p.At, "severity": &p.Severity, "user": &p.User} {
			text(r, where, key, f, to)
		}
		list(r, where, "command", f, &p.Command)
		length(r, where, f, &p.Timeout)
		if v := f["drill"]; v != nil {
			p.Drill = r.Boolean(v, where+".drill")
		}
		c.Playbook = append(c.Playbook, p)
		return p.Name, p.Problems()
	})
}
