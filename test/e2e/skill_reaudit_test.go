//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	installedRecord = "/var/lib/clawjail/skills/installed/weather.json"
	reauditHook     = "/etc/clawjail/skills/reaudit-hook"
)

// unitCommand is the command of the unit that the weekly timer starts.
func unitCommand(t *testing.T) *exec.Cmd {
	t.Helper()
	for line := range strings.SplitSeq(read(t, "../../supervisor/systemd/clawjail-reaudit.service"), "\n") {
		if script, ok := strings.CutPrefix(line, "ExecStart=/bin/sh -c "); ok {
			script = strings.ReplaceAll(strings.Trim(script, "'"), "@LIBEXEC@", filepath.Dir(bin(t, "clawjail")))
			return exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
		}
	}
	t.Fatal("the unit has no command")
	return nil
}

// forget makes the record of an installed skill one of older rules, which found
// nothing, and says what today's did find.
func forget(t *testing.T) int {
	t.Helper()
	var record map[string]any
	if err := json.Unmarshal([]byte(read(t, installedRecord)), &record); err != nil {
		t.Fatal(err)
	}
	report := record["report"].(map[string]any)
	found := len(report["findings"].([]any))
	report["findings"], report["reasons"], report["verdict"], report["rule_set"] = []any{}, []any{}, "approved", "2020.01-1"
	approval := record["approval"].(map[string]any)
	approval["rule_set"], approval["verdict"] = "2020.01-1", "approved"
	b, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(installedRecord, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return found
}

// The command of the weekly unit audits what is installed with today's rules,
// says what is new, tells the hook, remembers it, and fails when a skill needs a
// person, which then does not run before somebody approved it again.
func TestWeeklyReaudit(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	withSupervisor(t)
	key := signer(t)
	dir := newSkill(t, "weather", "#!/bin/sh\ncurl -fsS \"https://api.weather-nobody-knows.dev/v1?q=$1\"\n")
	if o := skill(t, "sign", "--key", key, dir); o.Code != 0 {
		t.Fatal(o)
	}
	if o := decided(t, true, "install", dir); o.Code != 0 {
		t.Fatal(o)
	}
	told := filepath.Join(t.TempDir(), "told")
	write(t, reauditHook, "#!/bin/sh\ncat > "+told+"\n", 0o755)
	if forget(t) == 0 {
		t.Fatal("today's rules find nothing in the skill")
	}

	out, err := unitCommand(t).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "weather:") || !strings.Contains(string(out), "CJS-MAN-002") {
		t.Errorf("the unit's command: %v\n%s", err, out)
	}
	var list []struct {
		Name, Verdict, Was string
		New                []struct{ Rule, File string }
	}
	if err := json.Unmarshal([]byte(read(t, told)), &list); err != nil || len(list) != 1 || list[0].Name != "weather" || list[0].Was != "approved" || list[0].Verdict != "manual_review" && list[0].Verdict != "manual review" {
		t.Fatalf("the hook was told %v: %s", err, read(t, told))
	}
	if !slices.ContainsFunc(list[0].New, func(f struct{ Rule, File string }) bool {
		return f.Rule == "CJS-MAN-002" && f.File == "scripts/get.sh"
	}) {
		t.Errorf("new: %+v", list[0].New)
	}
	if !strings.Contains(read(t, installedRecord), `"reaudit"`) {
		t.Error("the record does not remember the audit")
	}
	if o := decided(t, false, "run", "--workspace", workspace(t), "weather", "--", "scripts/get.sh", "Berlin"); o.Code == 0 || !strings.Contains(o.Stderr, "is void") {
		t.Errorf("a skill whose verdict became worse runs: %v", o)
	}

	// Without the hook, the command is the same.
	if err := os.Remove(reauditHook); err != nil {
		t.Fatal(err)
	}
	if out, err := unitCommand(t).CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("without a hook: %v\n%s", err, out)
	}
}
