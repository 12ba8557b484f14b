//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// freePort is one that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs a program until the test ends.
func start(t *testing.T, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	if err := c.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(unix.SIGTERM)
		_ = c.Wait()
	})
}

// A real Prometheus, as Debian has it, scrapes the gateway and takes the rules.
func TestPrometheusScrapesTheGateway(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	detached(t, run{Workspace: workspace(t), Argv: []string{"sleep", "1000"}})
	gateway, web, dir := freePort(t), freePort(t), t.TempDir()
	start(t, bin(t, "clawjail-gateway"), "-listen="+gateway)
	rules, err := filepath.Abs("../../supervisor/gateway/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "prometheus.yml")
	write(t, conf, fmt.Sprintf("global: {scrape_interval: 1s}\nrule_files: [%q]\nscrape_configs:\n  - job_name: clawjail\n    static_configs: [{targets: [%q]}]\n", rules, gateway), 0o644)
	start(t, "prometheus", "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+web, "--log.level=error")
	ask := func(path string) string {
		c := http.Client{Timeout: 5 * time.Second}
		defer c.CloseIdleConnections()
		res, err := c.Get("http://" + web + path)
		if err != nil {
			return ""
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return string(b)
	}
	eventually(t, "Prometheus has scraped the gateway", func() bool {
		var a struct {
			Data struct{ Result []struct{ Value []any } }
		}
		_ = json.Unmarshal([]byte(ask("/api/v1/query?query=clawjail_jails%7Bstate%3D%22running%22%7D")), &a)
		return len(a.Data.Result) == 1 && fmt.Sprint(a.Data.Result[0].Value[1]) == "1"
	})
	if got := ask("/api/v1/query?query=clawjail_up"); !strings.Contains(got, `"job":"clawjail"`) {
		t.Errorf("%s", got)
	}
	if got := ask("/api/v1/rules"); !strings.Contains(got, "ClawjailMismatch") || strings.Contains(got, `"health":"err"`) {
		t.Errorf("rules: %.500s", got)
	}
}

// What systemd thinks of the units' exposure: below 5.0 it says "OK". The supervisor
// makes namespaces, mounts and users, which most of its points are for.
func TestUnitsAreOK(t *testing.T) {
	for _, unit := range []string{"clawjail-gateway", "clawjail-reaudit", "clawjail"} {
		text := strings.ReplaceAll(read(t, "../../supervisor/systemd/"+unit+".service"), "@LIBEXEC@", "/usr/local/libexec")
		path := filepath.Join(t.TempDir(), unit+".service")
		write(t, path, text, 0o644)
		c := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=49", path)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", unit, err, tail(string(out)))
		}
	}
}
