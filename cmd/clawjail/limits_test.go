package main

import (
	"bytes"
	"strings"
	"testing"

	"clawjail/supervisor/api"
)

func TestLimitsAreShown(t *testing.T) {
	var out bytes.Buffer
	err := showLimits(&out, []api.ActionLimit{
		{Of: "send_email", Scope: "jail", Subject: "a\x1b[2J", Max: 10, Used: 3, Left: 7, PerNS: 3600e9, Over: "ask"},
		{Of: "spending", Currency: "USD", Scope: "all", Max: 10000, Used: 1250, Left: 8750, PerNS: 86400e9, Over: "deny"},
		{Of: "x", Scope: "user", Subject: "0", Max: 1, PerNS: 60e9, Over: "ask", Error: "damaged"},
	})
	want := `OF          PER  WHOSE          USED                     LEFT           OVER
send_email  1h   jail a\x1b[2J  3 of 10                  7              ask
spending    1d   all            12.50 USD of 100.00 USD  87.50 USD      deny
x           1m   user 0         unknown of 1             none: damaged  ask
`
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestBars(t *testing.T) {
	for used, want := range map[int64]int{0: 0, 1: 1, 500: 10, 999: 19, 1000: 20, 5000: 20} {
		if got := bar(api.ActionLimit{Max: 1000, Used: used}); strings.Count(got, "█") != want || len([]rune(got)) != barWidth {
			t.Errorf("%d of 1000: %s", used, got)
		}
	}
	if strings.Count(bar(api.ActionLimit{}), "█") != barWidth || strings.Count(bar(api.ActionLimit{Max: 5, Error: "x"}), "█") != barWidth {
		t.Error("a limit of nothing, or one that cannot be told, is not full")
	}
}
