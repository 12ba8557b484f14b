package supervisor

import (
	"context"
	"net/http"
	"strconv"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/sink"
)

// openSinks makes the sinks of the audit log.
func (s *Supervisor) openSinks() *sink.Set {
	return sink.Open(s.opt.Config.AuditSinks, s.opt.Config.AuditDir(), func(r audit.Record) { _ = s.audit.append(r) }, s.log)
}

// receivers are where the gateway copies the log to.
func (c *call) receivers() (any, *api.Error) {
	if apiErr := c.onlyGateway(); apiErr != nil {
		return nil, apiErr
	}
	out := c.s.sinks.Receivers()
	if out == nil {
		out = []string{}
	}
	return out, nil
}

// logBatch gives the gateway records to copy.
func (c *call) logBatch() (any, *api.Error) {
	if apiErr := c.onlyGateway(); apiErr != nil {
		return nil, apiErr
	}
	q := c.r.URL.Query()
	done, err := strconv.ParseUint(q.Get("done"), 10, 64)
	if err != nil {
		return nil, api.Errorf(http.StatusBadRequest, "done: %v", err)
	}
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(c.s.base, cancel)()
	b, err := c.s.sinks.Take(ctx, q.Get("url"), done, q.Get("refused") == "true")
	if err != nil {
		return nil, api.Errorf(http.StatusNotFound, "%v", err)
	}
	return b, nil
}

// sinkCounts are for the counters.
func (s *Supervisor) sinkCounts() (out []api.SinkCount) {
	for _, c := range s.sinks.Counts() {
		out = append(out, api.SinkCount{Sink: c.Name, Sent: c.Sent, Dropped: c.Dropped, Queued: uint64(c.Queued)})
	}
	return out
}
