package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

func (a *asked) quietHours() {
	const field = "notify_quiet"
	a.most(field, len(a.Quiet), MaxQuiet)
	good := true
	for i, q := range a.Quiet {
		n := strconv.Itoa(i)
		a.names(field, "notify_channels", "channel", q.Channels, a.channels, n, "channels")
		before := len(a.list)
		a.times(q, n)
		for j, d := range q.Days {
			at := []string{n, "days", strconv.Itoa(j)}
			if !slices.Contains(Days(), d) {
				a.list = append(a.list, Problem{Fields: []string{field}, Path: at, Msg: fmt.Sprintf("there is no day %.32q", d), Word: d, Known: Days()})
			} else if slices.Contains(q.Days[:j], d) {
				a.bad(field, "", fmt.Sprintf("%q is listed twice", d), at...)
			}
		}
		switch {
		case q.Pass == "none" || q.Pass == "never":
			a.bad(field, "write pass: critical, which is the least that can be kept back", "what is critical is always sent: somebody has to hear of it in time", n, "pass")
		case q.Pass != "" && !slices.Contains(Severities(), q.Pass):
			a.list = append(a.list, Problem{Fields: []string{field}, Path: []string{n, "pass"}, Msg: fmt.Sprintf("there is no severity %.32q", q.Pass), Word: q.Pass, Known: Severities()})
		}
		good = good && len(a.list) == before
	}
	if good {
		a.neverLoud()
	}
}

// times checks when quiet hours begin and end.
func (a *asked) times(q Quiet, n string) {
	const field = "notify_quiet"
	if _, err := Zone(q.Zone); err != nil {
		a.bad(field, "", err.Error(), n, "zone")
	}
	for _, t := range []struct{ key, value string }{{"from", q.From}, {"until", q.Until}} {
		if _, err := ParseClock(t.value); err != nil {
			a.bad(field, `write it as "22:00"`, err.Error(), n, t.key)
		}
	}
	if q.From == q.Until && q.From != "" {
		a.bad(field, "let them end earlier", "from and until are the same: the quiet hours would never end", n, "until")
	}
}

// sampled is how far apart the moments are at which neverLoud looks. Windows begin
// and end at full minutes.
const sampled = 5 * time.Minute

// neverLoud refuses quiet hours that leave a channel no time of the week: what
// waits for their end would wait for ever.
func (a *asked) neverLoud() {
	for _, ch := range a.channels {
		var windows []Window
		last := 0
		for i, q := range a.Quiet {
			if len(q.Channels) > 0 && !slices.Contains(q.Channels, ch) {
				continue
			}
			w, err := q.Window()
			if err != nil {
				return
			}
			windows, last = append(windows, w), i
		}
		if len(windows) > 1 && alwaysQuiet(windows) {
			a.bad("notify_quiet", "leave some hours", fmt.Sprintf("together with those above, the channel %q is never anything but quiet", ch), strconv.Itoa(last))
		}
	}
}

func alwaysQuiet(windows []Window) bool {
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) // a week without a change of clocks
	for end := at.AddDate(0, 0, 7); at.Before(end); at = at.Add(sampled) {
		if !slices.ContainsFunc(windows, func(w Window) bool { _, in := w.Ends(at); return in }) {
			return false
		}
	}
	return true
}

// Warnings says what is allowed and perhaps not meant, by the keys of the file.
func (c Config) Warnings() []string {
	var out []string
	for _, k := range c.Categories {
		out = append(out, c.neverTold(k)...)
		for _, s := range k.Escalate {
			if s.After >= Duration(requestLife) {
				out = append(out, fmt.Sprintf("hitl.categories: %s: a step after %s comes when requests are denied already, unless approval.timeout in a policy is longer than %s",
					k.Name, time.Duration(s.After), requestLife))
			}
		}
	}
	return out
}

// requestLife is how long a request is held unless its policy says otherwise.
const requestLife = 30 * time.Minute

// neverTold says when quiet hours keep a category from all whom its escalation
// tells: requests expire while nobody knows of them.
func (c Config) neverTold(k Category) []string {
	if k.Severity == "" || len(k.Escalate) == 0 {
		return nil
	}
	var all [][]Window
	for _, s := range k.Escalate {
		for _, ch := range c.Reaches(s.To) {
			w := c.QuietFor(ch, k.Severity)
			if len(w) == 0 {
				return nil
			}
			all = append(all, w)
		}
	}
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for end := at.AddDate(0, 0, 7); at.Before(end); at = at.Add(sampled) {
		hushed := !slices.ContainsFunc(all, func(ws []Window) bool {
			return !slices.ContainsFunc(ws, func(w Window) bool { _, in := w.Ends(at); return in })
		})
		if hushed {
			return []string{fmt.Sprintf("hitl.categories: %s: in quiet hours nobody at all is told of it, and it expires; raise its severity, or lower notifications.quiet.pass", k.Name)}
		}
	}
	return nil
}

// QuietFor gives the quiet times that keep a severity from a channel. What has no
// severity is kept.
func (c Config) QuietFor(channel, severity string) []Window {
	var out []Window
	for _, q := range c.Quiet {
		if len(q.Channels) > 0 && !slices.Contains(q.Channels, channel) {
			continue
		}
		pass := q.Pass
		if pass == "" {
			pass = DefaultPass
		}
		if slices.Index(Severities(), severity) >= slices.Index(Severities(), pass) {
			continue
		}
		if w, err := q.Window(); err == nil {
			out = append(out, w)
		}
	}
	return out
}
