//go:build e2e

package e2e

import (
	"sync"
	"testing"
	"time"
)

// TestManyFirstRuns: of several that find no supervisor one starts it, and the
// others use it.
func TestManyFirstRuns(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	var work sync.WaitGroup
	for range 4 {
		dir := workspace(t)
		work.Go(func() {
			if o := jail(t, run{Workspace: dir, Timeout: 5 * time.Minute, Argv: []string{"echo", "here"}}); o.Code != 0 || o.Stdout != "here\n" {
				t.Errorf("%v", o)
			}
		})
	}
	work.Wait()
}
