package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"clawjail/supervisor/api"
)

// The closed sets of what is recorded of jails and of people, and the gates that
// judge: besides those of the probes, what agents and skills ask for.
const (
	judged           = gates + " action skill"
	holding          = held + " action skill"
	jailEvents   set = "start refused adopt exec freeze thaw kill stop incident"
	peopleEvents set = "sign-in sign-out locked-out step-up session password passkey second-factor reset add role disable enable end-sessions"
)

// events are the counters of what is recorded of jails and of people.
func (c *Collector) events(s api.Stats) []prometheus.Metric {
	var out []prometheus.Metric
	for k, n := range countsOf(s.JailEvents, jailEvents, jailEvents) {
		out = append(out, prometheus.MustNewConstMetric(c.desc.jailEvents, prometheus.CounterValue, n, k[0]))
	}
	people := counts{}
	for _, v := range [...]string{"allow", "deny"} {
		people.add(0, api.PersonSignIn, v) // an alert on their increase sees where they began
	}
	for _, e := range s.PeopleEvents {
		people.add(e.Count, peopleEvents.pick(e.Event), verdicts.pick(e.Verdict))
	}
	for k, n := range people {
		out = append(out, prometheus.MustNewConstMetric(c.desc.peopleEvents, prometheus.CounterValue, n, k[0], k[1]))
	}
	return out
}
