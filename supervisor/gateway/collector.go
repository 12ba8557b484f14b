package gateway

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"clawjail/supervisor/api"
)

const (
	// askTime bounds one question to the supervisor.
	askTime = 3 * time.Second
	// reuse is how long an answer, or its absence, serves other scrapes.
	reuse = time.Second
)

// Source asks the supervisor for its counters.
type Source func(context.Context) (api.Stats, error)

// Collector turns the supervisor's counters into metrics.
type Collector struct {
	source  Source
	version string
	report  func(error) // told when the supervisor stops or starts to answer; nil error: it does
	now     func() time.Time

	mu    sync.Mutex
	asked time.Time
	stats api.Stats
	err   error
	was   string // the error that was reported last
	desc  descs
}

// descs are the metrics, in the words of their HELP.
type descs struct {
	up, build, tier, decisions, holds, notices, hold, mismatch, lost, jails, freeze,
	incidents, told, untold, copied, uncopied, records, auditErrors, unsigned, sealErrors, overrides, escalations, started,
	jailEvents, peopleEvents, start, logBytes, resident *prometheus.Desc
}

func newDescs() descs {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return descs{
		up:        d("clawjail_up", "Whether the supervisor answers: 1, or 0 and its other metrics are absent."),
		build:     d("clawjail_build_info", "Version of the gateway and of the Go it was built with; always 1.", "version", "goversion"),
		tier:      d("clawjail_tier_info", "Enforcement tier that this host gives: lsm or notify; always 1.", "tier"),
		decisions: d("clawjail_decisions_total", "Actions of jailed processes that were judged, by gate and verdict.", "gate", "verdict"),
		holds:     d("clawjail_holds_pending", "Actions that are held until a human decides, by gate.", "gate"),
		notices:   d("clawjail_notices_total", "Actions that were done and that a human is told of afterwards, by gate.", "gate"),
		hold:      d("clawjail_hold_seconds", "Time from the hold of an action to its answer."),
		mismatch:  d("clawjail_verify_mismatch_total", "Approved actions that the kernel saw to be something else, by gate.", "gate"),
		lost:      d("clawjail_events_lost_total", "Events that were not recorded, by the reason.", "class"),
		jails:     d("clawjail_jails", "Jails, by state.", "state"),
		freeze:    d("clawjail_freeze_seconds", "Time from the order to freeze a jail until every process stood still."),
		incidents: d("clawjail_incidents", "Incidents, by state; all but closed ones want somebody.", "state"),

		told:     d("clawjail_notifications_total", "Messages to people, by kind of channel and what became of them.", "kind", "outcome"),
		untold:   d("clawjail_notifications_waiting", "Messages that were not told yet, by kind of channel.", "kind"),
		copied:   d("clawjail_audit_sink_records_total", "Records of the audit log that a sink got.", "sink"),
		uncopied: d("clawjail_audit_sink_dropped_total", "Records that a sink did not get; the audit log has them.", "sink"),

		records:     d("clawjail_audit_records_total", "Records that this supervisor wrote to the audit log."),
		auditErrors: d("clawjail_audit_errors_total", "Records that could not be written to the audit log."),
		unsigned:    d("clawjail_audit_unsigned_records", "Records of the audit log that no checkpoint covers yet."),
		sealErrors:  d("clawjail_audit_checkpoint_errors_total", "Checkpoints of the audit log, or copies of them, that could not be written."),
		overrides:   d("clawjail_config_overrides", "Unsafe settings that the operator accepted; clawjail config check names them."),
		escalations: d("clawjail_escalations_total", "Steps of escalations that were made because nobody had decided what is held."),
		started:     d("clawjail_supervisor_start_time_seconds", "When the supervisor started, in seconds since 1970."),

		jailEvents:   d("clawjail_jail_events_total", "Steps of jails' lives that this supervisor recorded: starts, adoptions, freezes and so on.", "event"),
		peopleEvents: d("clawjail_people_events_total", "Sign-ins of people, and what was changed about them, by what came of it.", "event", "verdict"),
		start:        d("clawjail_start_seconds", "Time from the request for a jail until its program runs."),
		logBytes:     d("clawjail_audit_bytes_total", "Bytes that this supervisor wrote to the audit log."),
		resident:     d("clawjail_supervisor_resident_bytes", "Memory that the supervisor has resident."),
	}
}

// NewCollector makes a collector. report may be nil.
func NewCollector(source Source, version string, report func(error)) *Collector {
	if report == nil {
		report = func(error) {}
	}
	return &Collector{source: source, version: version, report: report, now: time.Now, desc: newDescs()}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	d := c.desc
	for _, desc := range []*prometheus.Desc{d.up, d.build, d.tier, d.decisions, d.holds, d.notices, d.hold, d.mismatch, d.lost, d.jails, d.freeze,
		d.incidents, d.told, d.untold, d.copied, d.uncopied, d.records, d.auditErrors, d.unsigned, d.sealErrors, d.overrides, d.escalations, d.started,
		d.jailEvents, d.peopleEvents, d.start, d.logBytes, d.resident} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(c.desc.build, prometheus.GaugeValue, 1, label(c.version), runtime.Version())
	stats, err := c.ask()
	var metrics []prometheus.Metric
	if err == nil {
		metrics, err = c.metrics(stats)
	}
	c.tell(err)
	up := 1.0
	if err != nil {
		up = 0
		metrics = nil // all or nothing: half an answer looks like a whole one
	}
	ch <- prometheus.MustNewConstMetric(c.desc.up, prometheus.GaugeValue, up)
	for _, m := range metrics {
		ch <- m
	}
}

// ask gives an answer that is at most reuse old.
func (c *Collector) ask() (api.Stats, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A clock that was set back must not keep an answer for hours.
	if age := c.now().Sub(c.asked); c.asked.IsZero() || age < 0 || age >= reuse {
		ctx, cancel := context.WithTimeout(context.Background(), askTime)
		defer cancel()
		c.stats, c.err = c.source(ctx)
		c.asked = c.now()
	}
	return c.stats, c.err
}

// tell reports when the supervisor is lost or found, and not at every scrape.
func (c *Collector) tell(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	c.mu.Lock()
	changed := c.was != text
	c.was = text
	c.mu.Unlock()
	if changed {
		c.report(err)
	}
}

// metrics turns one answer into metrics.
func (c *Collector) metrics(s api.Stats) ([]prometheus.Metric, error) {
	var out []prometheus.Metric
	add := func(d *prometheus.Desc, kind prometheus.ValueType, counts counts) {
		for k, v := range counts {
			var labels []string
			for _, l := range k {
				if l != "" {
					labels = append(labels, l)
				}
			}
			out = append(out, prometheus.MustNewConstMetric(d, kind, v, labels...))
		}
	}
	decisions := counts{}
	for _, d := range s.Decisions {
		decisions.add(d.Count, judged.pick(d.Gate), verdicts.pick(d.Verdict))
	}
	add(c.desc.decisions, prometheus.CounterValue, decisions)
	add(c.desc.holds, prometheus.GaugeValue, countsOf(s.HoldsPending, judged, holding))
	add(c.desc.notices, prometheus.CounterValue, countsOf(s.Notices, judged, holding))
	add(c.desc.mismatch, prometheus.CounterValue, countsOf(s.VerifyMismatch, gates, held))
	add(c.desc.lost, prometheus.CounterValue, countsOf(s.EventsLost, classes, classes))
	jails := map[string]uint64{}
	for state, n := range s.Jails {
		jails[string(state)] += n
	}
	add(c.desc.jails, prometheus.GaugeValue, countsOf(jails, states, states))
	told := counts{}
	for _, n := range s.Notifications {
		told.add(n.Count, channels.pick(n.Kind), outcomes.pick(n.Outcome))
	}
	add(c.desc.told, prometheus.CounterValue, told)
	copied, uncopied := counts{}, counts{}
	for _, k := range s.Sinks {
		copied.add(k.Sent, sinks.pick(k.Sink))
		uncopied.add(k.Dropped, sinks.pick(k.Sink))
	}
	add(c.desc.copied, prometheus.CounterValue, copied)
	add(c.desc.uncopied, prometheus.CounterValue, uncopied)
	add(c.desc.untold, prometheus.GaugeValue, countsOf(s.NotificationsWaiting, channels, ""))
	add(c.desc.incidents, prometheus.GaugeValue, countsOf(s.Incidents, incidentStates, incidentStates))
	for _, v := range []struct {
		desc  *prometheus.Desc
		kind  prometheus.ValueType
		value float64
	}{
		{c.desc.records, prometheus.CounterValue, float64(s.AuditRecords)}, {c.desc.auditErrors, prometheus.CounterValue, float64(s.AuditErrors)},
		{c.desc.unsigned, prometheus.GaugeValue, float64(s.AuditUnsigned)}, {c.desc.sealErrors, prometheus.CounterValue, float64(s.AuditSealErrors)},
		{c.desc.overrides, prometheus.GaugeValue, float64(s.Overrides)}, {c.desc.escalations, prometheus.CounterValue, float64(s.Escalations)}, {c.desc.started, prometheus.GaugeValue, s.StartTimeUnix},
		{c.desc.logBytes, prometheus.CounterValue, float64(s.AuditBytes)}, {c.desc.resident, prometheus.GaugeValue, float64(s.SupervisorBytes)},
	} {
		out = append(out, prometheus.MustNewConstMetric(v.desc, v.kind, v.value))
	}
	out = append(out, c.events(s)...)
	if s.Tier != "" {
		add(c.desc.tier, prometheus.GaugeValue, counts{{tiers.pick(s.Tier)}: 1})
	}
	for _, h := range []struct {
		desc *prometheus.Desc
		name string
		h    api.Histogram
	}{{c.desc.hold, "hold_seconds", s.HoldSeconds}, {c.desc.freeze, "freeze_seconds", s.FreezeSeconds}, {c.desc.start, "start_seconds", s.StartSeconds}} {
		m, err := histogram(h.desc, h.h)
		if err != nil {
			return nil, fmt.Errorf("the supervisor's %s: %w", h.name, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// maxBuckets bounds a histogram from the supervisor.
const maxBuckets = 64

// histogram checks what the library would believe.
func histogram(d *prometheus.Desc, h api.Histogram) (prometheus.Metric, error) {
	if len(h.Bounds) != len(h.Buckets) || len(h.Bounds) > maxBuckets {
		return nil, fmt.Errorf("%d bounds and %d buckets", len(h.Bounds), len(h.Buckets))
	}
	buckets := make(map[float64]uint64, len(h.Bounds))
	for i, le := range h.Bounds {
		if i > 0 && (le <= h.Bounds[i-1] || h.Buckets[i] < h.Buckets[i-1]) || h.Buckets[i] > h.Count {
			return nil, fmt.Errorf("bucket %d of %d does not follow", i+1, len(h.Bounds))
		}
		buckets[le] = h.Buckets[i]
	}
	return prometheus.NewConstHistogram(d, h.Count, h.Sum, buckets)
}
