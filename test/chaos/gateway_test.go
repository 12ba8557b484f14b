//go:build e2e

package chaos

import (
	"fmt"
	"net/http"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// scrapes is where the gateway serves the counters of this host.
const scrapes = "127.0.0.1:9190"

// gateway is the process that tells the world; its service manager is the test.
type gateway struct {
	t   *testing.T
	cmd *exec.Cmd
}

// start starts it and waits until it answers.
func (g *gateway) start() {
	g.t.Helper()
	g.cmd = exec.Command(bin(g.t, "clawjail-gateway"), "-listen="+scrapes, fmt.Sprintf("-user=%d:%d", agent+1, agent+1))
	g.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	eventually(g.t, "the gateway answers", func() bool {
		req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, "http://"+scrapes+"/metrics", nil)
		if err != nil {
			g.t.Fatal(err)
		}
		req.Close = true
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

func (g *gateway) end(sig unix.Signal) {
	g.t.Helper()
	if err := g.cmd.Process.Signal(sig); err != nil {
		g.t.Errorf("the gateway has ended by itself: %v", err)
	}
	_ = g.cmd.Wait()
}
