package supervisor

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"clawjail/supervisor/api"
)

// maxLabels bounds how many different label sets are counted; the sets are
// closed, so reaching it is a bug, and what is over it counts as "other".
const maxLabels = 64

// metrics are the supervisor's counters. The gateway turns them into
// Prometheus' form; the root process links no HTTP exporter.
type metrics struct {
	mu         sync.Mutex
	decisions  map[[2]string]uint64
	lost       map[string]uint64
	mismatches map[string]uint64 // by gate
	hold       histogram
	freeze     histogram
	start      histogram
}

func newMetrics() *metrics {
	m := &metrics{decisions: map[[2]string]uint64{}, lost: map[string]uint64{}, mismatches: map[string]uint64{}}
	m.hold = newHistogram(1, 5, 10, 30, 60, 300, 600, 1800, 3600)
	m.freeze = newHistogram(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1)
	m.start = newHistogram(0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5)
	return m
}

func (m *metrics) decide(gate, verdict string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{gate, verdict}
	if _, known := m.decisions[key]; !known && len(m.decisions) >= maxLabels {
		key = [2]string{"other", "other"}
	}
	m.decisions[key]++
}

func (m *metrics) mismatch(gate string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mismatches[gate]++
}

func (m *metrics) lose(class string, n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.lost[class]; !known && len(m.lost) >= maxLabels {
		class = "other"
	}
	m.lost[class] += n
}

// histogram counts durations in buckets.
type histogram struct {
	mu     *sync.Mutex
	bounds []float64
	counts []uint64 // not cumulative
	count  *uint64
	sum    *float64
}

func newHistogram(bounds ...float64) histogram {
	return histogram{mu: &sync.Mutex{}, bounds: bounds, counts: make([]uint64, len(bounds)), count: new(uint64), sum: new(float64)}
}

func (h histogram) observe(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := d.Seconds()
	*h.count++
	*h.sum += s
	if i, _ := slices.BinarySearch(h.bounds, s); i < len(h.counts) {
		h.counts[i]++
	}
}

func (h histogram) export() api.Histogram {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := api.Histogram{Bounds: h.bounds, Buckets: make([]uint64, len(h.counts)), Count: *h.count, Sum: *h.sum}
	var sum uint64
	for i, n := range h.counts {
		sum += n
		out.Buckets[i] = sum
	}
	return out
}

// stats answers with every counter.
func (c *call) stats() (any, *api.Error) {
	if c.peer.UID == c.s.opt.Config.GatewayUID { // nobody else's look is monitoring
		c.s.checks.scraped.Store(time.Now().UnixNano())
	}
	s, m := c.s, c.s.metrics
	out := api.Stats{Version: s.opt.Version, Tier: s.tier,
		HoldsPending: map[string]uint64{}, HoldSeconds: m.hold.export(),
		VerifyMismatch: map[string]uint64{}, EventsLost: map[string]uint64{},
		Jails:        map[api.State]uint64{api.StateCreating: 0, api.StateRunning: 0, api.StateFrozen: 0, api.StateExited: 0},
		AuditRecords: s.audit.records.Load(), AuditErrors: s.audit.errors.Load(), AuditBytes: s.audit.bytes(),
		FreezeSeconds: m.freeze.export(), StartSeconds: m.start.export(),
		SupervisorBytes: residentBytes(), StartTimeUnix: float64(s.started.UnixMilli()) / 1000}
	m.mu.Lock()
	for k, n := range m.decisions {
		out.Decisions = append(out.Decisions, api.DecisionCount{Gate: k[0], Verdict: k[1], Count: n})
	}
	for k, n := range m.lost {
		out.EventsLost[k] = n
	}
	for k, n := range m.mismatches {
		out.VerifyMismatch[k] = n
	}
	m.mu.Unlock()
	out.AuditUnsigned, out.AuditSealErrors = s.audit.unsigned(), s.audit.sealErrors.Load()
	out.Overrides = uint64(len(s.opt.Config.Overrides()))
	out.Incidents = map[string]uint64{}
	for state, n := range s.incidents.Counts() {
		out.Incidents[string(state)] = uint64(n)
	}
	out.Notifications, out.NotificationsWaiting = s.notifyCounts()
	out.Escalations = s.approvals.escalations.Load()
	out.Sinks = s.sinkCounts()
	out.JailEvents, out.PeopleEvents = s.audit.counted()
	out.HoldsPending, out.Notices = s.approvals.Pending(), s.approvals.Told()
	slices.SortFunc(out.Decisions, func(a, b api.DecisionCount) int {
		return strings.Compare(a.Gate+" "+a.Verdict, b.Gate+" "+b.Verdict)
	})
	s.loop.do(func(t *table) {
		for _, e := range t.live {
			out.Jails[e.jail.State]++
		}
		out.Jails[api.StateExited] = uint64(len(t.ended))
	})
	return out, nil
}

// residentBytes is this process's resident set, from /proc/self/statm.
func residentBytes() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
