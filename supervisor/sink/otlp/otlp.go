package otlp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"clawjail/audit"
	"clawjail/audit/view"
	"clawjail/supervisor/sink"
)

const (
	postTime  = 20 * time.Second
	lookEvery = 30 * time.Second // whether there are receivers
	maxAnswer = 64 << 10
)

// delays are the waits after each failed post; the last one goes on.
func delays() []time.Duration {
	return []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}
}

// Supervisor is what is asked for batches.
type Supervisor interface {
	Receivers(ctx context.Context) ([]string, error)
	Batch(ctx context.Context, url string, done uint64, refused bool) (sink.Batch, error)
}

// Run copies until ctx ends.
func Run(ctx context.Context, from Supervisor, client *http.Client, log *slog.Logger) {
	for ctx.Err() == nil {
		urls, err := from.Receivers(ctx)
		if err != nil || len(urls) == 0 {
			pause(ctx, lookEvery)
			continue
		}
		// Until the supervisor ends; the next one may have other receivers.
		var work sync.WaitGroup
		for _, u := range urls {
			work.Go(func() { (&receiver{from: from, client: client, log: log, url: u}).run(ctx) })
		}
		work.Wait()
		pause(ctx, delays()[0])
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

type receiver struct {
	from   Supervisor
	client *http.Client
	log    *slog.Logger
	url    string
}

// run copies until the supervisor does not answer.
func (r *receiver) run(ctx context.Context) {
	var done uint64
	refused, failed := false, 0
	for ctx.Err() == nil {
		b, err := r.from.Batch(ctx, r.url, done, refused)
		if err != nil {
			return
		}
		done, refused = 0, false
		if len(b.Lines) == 0 {
			continue
		}
		refused, err = r.post(ctx, b)
		switch {
		case err == nil, refused:
			done, failed = b.ID, 0
		default:
			if failed == 0 && ctx.Err() == nil {
				r.log.Warn("the audit log is not copied; it is tried again", "error", err)
			}
			pause(ctx, delays()[min(failed, len(delays())-1)])
			failed++
		}
		if refused {
			r.log.Error("a receiver of the audit log refuses it", "error", err, "records", len(b.Lines))
		}
	}
}

// post sends a batch. What OTLP says can be tried again is no refusal.
func (r *receiver) post(ctx context.Context, b sink.Batch) (refused bool, err error) {
	body, err := Encode(b.Lines)
	if err != nil {
		return true, err
	}
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL, bytes.NewReader(body))
	if err != nil {
		return true, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "clawjail")
	res, err := r.client.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return false, nil
	case res.StatusCode == http.StatusBadRequest, res.StatusCode == http.StatusRequestEntityTooLarge:
		refused = true
	}
	return refused, fmt.Errorf("the receiver answered %d", res.StatusCode)
}

// The JSON form of OTLP logs, as far as it is used: 64 bit numbers are text.
type (
	request struct {
		ResourceLogs []resourceLogs `json:"resourceLogs"`
	}
	resourceLogs struct {
		Resource  resource    `json:"resource"`
		ScopeLogs []scopeLogs `json:"scopeLogs"`
	}
	resource struct {
		Attributes []attribute `json:"attributes"`
	}
	scopeLogs struct {
		Scope      scope       `json:"scope"`
		LogRecords []logRecord `json:"logRecords"`
	}
	scope struct {
		Name string `json:"name"`
	}
	logRecord struct {
		TimeUnixNano   string      `json:"timeUnixNano"`
		SeverityNumber int         `json:"severityNumber"`
		SeverityText   string      `json:"severityText"`
		Body           value       `json:"body"`
		Attributes     []attribute `json:"attributes"`
	}
	attribute struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		String string `json:"stringValue,omitempty"`
		Int    string `json:"intValue,omitempty"`
	}
)

// Encode gives lines of the log as the body of an OTLP/HTTP request.
func Encode(lines []string) ([]byte, error) {
	host, _ := os.Hostname()
	var logs []logRecord
	for _, line := range lines {
		r, err := audit.Decode([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("a line of the log: %w", err)
		}
		logs = append(logs, logOf(&r))
	}
	return json.Marshal(request{[]resourceLogs{{
		Resource:  resource{[]attribute{text("service.name", "clawjail"), text("host.name", host)}},
		ScopeLogs: []scopeLogs{{Scope: scope{"clawjail.audit"}, LogRecords: logs}},
	}}})
}

func text(key, v string) attribute { return attribute{key, value{String: v}} }

func logOf(r *audit.Record) logRecord {
	number, name := severity(r)
	l := logRecord{TimeUnixNano: strconv.FormatInt(r.Time.UnixNano(), 10), SeverityNumber: number, SeverityText: name, Body: value{String: strings.ToValidUTF8(view.Subject(r), "?")}}
	if l.Body.String == "" {
		l.Body.String = r.Gate
	}
	l.Attributes = append(l.Attributes, attribute{"clawjail.seq", value{Int: strconv.FormatUint(r.Seq, 10)}}, text("clawjail.gate", r.Gate))
	for _, a := range [...]struct{ key, value string }{{"clawjail.jail", r.Jail}, {"clawjail.verdict", r.Verdict}, {"clawjail.rule", r.Rule},
		{"clawjail.exec_id", r.ExecID}, {"clawjail.op", r.Subject.Op}} {
		if a.value != "" {
			l.Attributes = append(l.Attributes, text(a.key, strings.ToValidUTF8(a.value, "?")))
		}
	}
	// The line of the log, which is ASCII: with it a copy can be held to the chain.
	l.Attributes = append(l.Attributes, text("clawjail.record", string(r.AppendJSON(nil))))
	return l
}

// severity is the number and the name that OTLP has for it.
func severity(r *audit.Record) (int, string) {
	switch {
	case r.Gate == audit.GateGap:
		return 17, "ERROR"
	case r.Verdict == "deny", r.Verdict == "kill", r.Verdict == "freeze":
		return 13, "WARN"
	}
	return 9, "INFO"
}
