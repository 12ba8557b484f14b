//go:build kernel

package supervisor

import "testing"

func TestProbeHost(t *testing.T) {
	h := ProbeHost()
	if !h.UserNS || h.LandlockABI < 1 {
		t.Errorf("this machine is found to have %+v", h)
	}
}
