package otlp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/sink"
)

func line() string {
	r := audit.Record{Schema: audit.Schema, Seq: 7, Time: time.Unix(1, 5).UTC(), Boot: "b", Jail: "j", Gate: audit.GateExec, Verdict: "deny",
		Subject: audit.Subject{Op: "exec", Argv: []string{"\xff<b>\n"}}, Prev: audit.Genesis}
	return string(r.AppendJSON(nil))
}

func TestEncode(t *testing.T) {
	b, err := Encode([]string{line()})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		ResourceLogs []struct {
			ScopeLogs []struct {
				LogRecords []struct {
					TimeUnixNano   string
					SeverityNumber int
					Attributes     []struct {
						Key   string
						Value struct{ StringValue, IntValue string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	l := got.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	if l.TimeUnixNano != "1000000005" || l.SeverityNumber != 13 || l.Attributes[0].Value.IntValue != "7" {
		t.Errorf("%+v", l)
	}
	if last := l.Attributes[len(l.Attributes)-1]; last.Key != "clawjail.record" || last.Value.StringValue != line() {
		t.Errorf("the line has changed: %+v", last)
	}
	if _, err := Encode([]string{"{}"}); err == nil {
		t.Error("no line of a log: no error")
	}
}

// queue gives out one batch until it is done, and then ends.
type queue struct {
	mu      sync.Mutex
	url     string
	left    int
	id      uint64
	refused int
	cancel  context.CancelFunc
}

func (q *queue) Receivers(context.Context) ([]string, error) { return []string{q.url}, nil }

func (q *queue) Batch(_ context.Context, url string, done uint64, refused bool) (sink.Batch, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if refused {
		q.refused++
	}
	if done == q.id {
		q.id++
		q.left--
	}
	if q.left < 0 {
		q.cancel()
		return sink.Batch{}, errors.New("the supervisor ended")
	}
	return sink.Batch{ID: q.id, URL: url, Lines: []string{line()}}, nil
}

// TestRun: what the receiver could not take yet is posted again, what it refuses
// is not.
func TestRun(t *testing.T) {
	var mu sync.Mutex
	answers := []int{503, 200, 400, 200}
	var bodies []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(b))
		w.WriteHeader(answers[0])
		answers = answers[1:]
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	q := &queue{url: srv.URL, left: 3, cancel: cancel}
	Run(ctx, q, srv.Client(), slog.New(slog.DiscardHandler))
	if len(bodies) != 4 || q.refused != 1 || bodies[0] != bodies[1] || !strings.Contains(bodies[0], "clawjail.audit") {
		t.Errorf("%d posts, %d refused", len(bodies), q.refused)
	}
}
