package gateway

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestAlerts runs the rules' own tests, which fire each of them once.
func TestAlerts(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = "prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v (Debian package prometheus): %v\n%s", args, err, out)
		}
	}
}

// metricNames are those that the gateway exports about clawjail.
func metricNames() (names []string) {
	ch := make(chan *prometheus.Desc, 100)
	NewCollector(nil, "0", nil).Describe(ch)
	close(ch)
	for d := range ch {
		names = append(names, regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1])
	}
	return append(names, "clawjail_console_certificate_expiry_timestamp_seconds", "clawjail_console_sign_ins_total") // of cmd/clawjail-gateway
}

func ruleFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("prometheus", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRulesAndDashboardKnowTheMetrics: a metric that is renamed must not leave
// an alert that can never fire.
func TestRulesAndDashboardKnowTheMetrics(t *testing.T) {
	known := map[string]bool{}
	for _, name := range metricNames() {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			known[name+suffix] = true
		}
	}
	for _, file := range []string{"alerts.yaml", "alerts_test.yaml", "dashboard.json"} {
		text := ruleFile(t, file)
		if strings.HasSuffix(file, ".json") && !json.Valid([]byte(text)) {
			t.Errorf("%s is no JSON", file)
		}
		names := regexp.MustCompile(`\bclawjail_[a-z_]+`).FindAllString(text, -1)
		if len(names) < 10 {
			t.Errorf("%s names %d metrics", file, len(names))
		}
		for _, n := range names {
			if !known[n] {
				t.Errorf("%s names %s, which is no metric", file, n)
			}
		}
	}
}

// TestTheDashboardShowsEveryMetric: what nobody can look at is not worth counting.
func TestTheDashboardShowsEveryMetric(t *testing.T) {
	shown := ruleFile(t, "dashboard.json")
	for _, name := range metricNames() {
		if !regexp.MustCompile(`\b` + name + `(_bucket)?\b`).MatchString(shown) {
			t.Errorf("%s is not in the dashboard", name)
		}
	}
	var board struct {
		Panels []struct {
			ID      int
			GridPos struct{ X, Y, W, H int }
			Title   string
		}
	}
	if err := json.Unmarshal([]byte(shown), &board); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for i, p := range board.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d, %q: its id is taken, or it is too wide", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, q := range board.Panels[:i] {
			a, b := p.GridPos, q.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panels %q and %q overlap", p.Title, q.Title)
			}
		}
	}
}

// TestEveryAlertIsTested: a rule that was never seen to fire may not.
func TestEveryAlertIsTested(t *testing.T) {
	tests := ruleFile(t, "alerts_test.yaml")
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(ruleFile(t, "alerts.yaml"), -1) {
		if !strings.Contains(tests, `alertname="`+m[1]+`"`) {
			t.Errorf("no test fires %s", m[1])
		}
	}
}
