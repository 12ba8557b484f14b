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

// TestRulesAndDashboardKnowTheMetrics: a metric that is renamed must not leave
// an alert that can never fire.
func TestRulesAndDashboardKnowTheMetrics(t *testing.T) {
	ch := make(chan *prometheus.Desc, 100)
	NewCollector(nil, "0", nil).Describe(ch)
	close(ch)
	known := map[string]bool{}
	for d := range ch {
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1]
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			known[name+suffix] = true
		}
	}
	for _, file := range []string{"alerts.yaml", "dashboard.json"} {
		b, err := os.ReadFile(filepath.Join("prometheus", file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(b) {
			t.Errorf("%s is no JSON", file)
		}
		names := regexp.MustCompile(`\bclawjail_[a-z_]+`).FindAllString(string(b), -1)
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
