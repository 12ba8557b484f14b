package daemon

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/dnsgate"
	"clawjail/jail/egress/sniff"
	"clawjail/jail/egress/vaddr"
)

// The table of bounds in the doc of package egress says what the constants
// say.
func TestBoundsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for label, want := range map[string]string{
		"connections of one jail":    fmt.Sprintf("%d, Rules.MaxConns up to %d", control.DefaultMaxConns, control.MaxMaxConns),
		"connections of all jails":   fmt.Sprintf("%d:", maxConns),
		"held in one jail":           fmt.Sprintf("%d:", control.MaxHeldJail),
		"held connections":           fmt.Sprintf("%d:", control.MaxHeld),
		"asks of a jail":             fmt.Sprintf("%d a second after %d", askRate, askBurst),
		"records waiting":            fmt.Sprintf("%d:", maxRecords),
		"asks without a supervisor":  fmt.Sprintf("%.0f min", awayTime.Minutes()),
		"other events waiting":       fmt.Sprintf("%d:", maxNotes),
		"different facts of a jail":  fmt.Sprintf("%d in %.0f s", maxKeys, tallyWindow.Seconds()),
		"names of a jail":            fmt.Sprintf("%d:", vaddr.MaxNames),
		"destinations of a jail":     fmt.Sprintf("%d:", control.MaxDests),
		"DNS questions of a jail":    fmt.Sprintf("%d a second after %d", questionRate, questionBurst),
		"DNS query":                  fmt.Sprintf("%d bytes", dnsgate.MaxQuery),
		"ClientHello, request head":  fmt.Sprintf("%d KiB each", sniff.MaxHello>>10),
		"time to say what is wanted": fmt.Sprintf("%.0f s", sniffTime.Seconds()),
		"idle connection":            fmt.Sprintf("%.0f min", control.DefaultIdle.Minutes()),
		"connecting":                 fmt.Sprintf("%d addresses, %.0f s each, %.0f s", maxTries, tryTime.Seconds(), dialTime.Seconds()),
		"resolver cache":             "4096 names",
		"jails":                      fmt.Sprintf("%d:", maxJails),
	} {
		found := false
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "//\t"+label+" "); ok {
				found = true
				if got := strings.TrimSpace(rest); !strings.HasPrefix(got, want) {
					t.Errorf("%s: doc says %q, the constant %q", label, got, want)
				}
			}
		}
		if !found {
			t.Errorf("doc lacks %q", label)
		}
	}
	if sniff.MaxHello != sniff.MaxHead {
		t.Error("the doc gives them one number")
	}
}
