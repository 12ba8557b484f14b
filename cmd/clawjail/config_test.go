package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/supervisor/config"
)

// configRun runs `clawjail config ARGS` on a host whose file is path.
func configRun(t *testing.T, path, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	e := &env{stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs, config: path}
	code = execute(e, append([]string{"config"}, args...))
	return out.String(), errs.String(), code
}

func TestConfigCheck(t *testing.T) {
	dir := t.TempDir()
	good := writeFile(t, filepath.Join(dir, "good.yaml"), "version: 1\nlimits: {jails: 7}\n")
	bad := writeFile(t, filepath.Join(dir, "bad.yaml"), "version: 1\nlimits: {jail: 7}\nprivate: {linger: 10}\n")
	none := filepath.Join(dir, "none.yaml")
	badWords := "clawjail: config " + bad + ":2:10: unknown key \"jail\" in limits; did you mean \"jails\"?\n" +
		"clawjail: config " + bad + ":3:19: private.linger \"10\" has no unit; the units are s, m, h and d\n"
	tests := []struct {
		name, host, stdin string
		args              []string
		code              int
		out, err          string
	}{
		{"a good file", none, "", []string{good}, 0, good + ": ok\n", ""},
		{"a bad file", none, "", []string{bad}, 1, "", badWords},
		{"a host without a file", none, "", nil, 0, none + ": no such file; the defaults are in force\n", ""},
		{"a named file that is missing", none, "", []string{none}, 1, "", "clawjail: config " + none + ": no such file\n"},
		{"standard input", none, "version: 1\n", []string{"-"}, 0, "standard input: ok\n", ""},
		{"a bad standard input", none, "version: 2\n", []string{"-"}, 1, "", "clawjail: config standard input:1:10: unknown version \"2\"; this clawjail reads version 1\n"},
		{"too much standard input", none, strings.Repeat("#", 2<<20), []string{"-"}, 1, "", "clawjail: config standard input: has more than 1048576 bytes, and no more are read\n"},
		{"a group that nobody has made", none, "version: 1\naccess: {group: no-such-group-here}\n", []string{"-"}, 1, "",
			"clawjail: config standard input:2:17: access.group: this host has no group \"no-such-group-here\"; make it: groupadd no-such-group-here\n"},
		{"what nobody would be told of", none, "version: 1\nnotifications:\n  channels: [{name: p, kind: command, command: [/bin/p]}]\n  quiet: [{from: \"22:00\", until: \"07:00\"}]\n" +
			"hitl:\n  groups: [{name: g, channels: [p]}]\n  categories: [{name: k, of: [any], severity: low, escalate: [{to: g}]}]\n", []string{"-"}, 0, "standard input: ok\n",
			"clawjail: config standard input: hitl.categories: k: in quiet hours nobody at all is told of it, and it expires; raise its severity, or lower notifications.quiet.pass\n"},
		{"another output", none, "", []string{good, "-o", "xml"}, 125, "", "clawjail: unknown output \"xml\"; the only one is json\n"},
		{"two files", none, "", []string{good, bad}, 125, "", "clawjail: 2 arguments, and it takes at most 1\n  clawjail config check [FILE] [flags]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, errs, code := configRun(t, tt.host, tt.stdin, append([]string{"check"}, tt.args...)...)
			if code != tt.code || out != tt.out || errs != tt.err {
				t.Errorf("code %d\nstdout %s\nstderr %s", code, out, errs)
			}
		})
	}
	out, errs, code := configRun(t, none, "", "check", bad, "-o", "json")
	var got checkedConfig
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 || errs != "" || got.OK || len(got.Problems) != 2 || got.Problems[1].Line != 3 {
		t.Errorf("%d %s %s %v", code, out, errs, err)
	}
}

// The host's own file is checked for who can change it; a draft is not.
func TestConfigCheckOwner(t *testing.T) {
	host := writeFile(t, filepath.Join(t.TempDir(), "config.yaml"), "version: 2\n")
	if err := os.Chmod(host, 0o666); err != nil {
		t.Fatal(err)
	}
	_, errs, code := configRun(t, host, "", "check")
	if code != 1 || !strings.Contains(errs, host+":1:10: unknown version") || !strings.Contains(errs, "can be written by its group and everybody") ||
		!strings.Contains(errs, "chmod go-w "+host) {
		t.Errorf("%d %s", code, errs)
	}
	_, errs, code = configRun(t, filepath.Join(t.TempDir(), "none"), "", "check", host)
	if code != 1 || strings.Contains(errs, "chmod") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestConfigExplain(t *testing.T) {
	dir := t.TempDir()
	none := filepath.Join(dir, "none.yaml")
	file := writeFile(t, filepath.Join(dir, "config.yaml"), "version: 1\nlimits:\n  jails: 7\n")
	out, errs, code := configRun(t, none, "", "explain", file)
	if code != 0 || errs != "" || !strings.HasPrefix(out, "# in force by "+file+"\nversion: 1\n") ||
		!strings.Contains(out, "  jails: 7                               # line 3\n") || !strings.Contains(out, "  linger: 30s                            # default\n") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	again, errs, code := configRun(t, none, out, "explain", "-")
	if code != 0 || errs != "" || strings.Contains(again, "# default") {
		t.Errorf("what explain prints is no whole configuration: %d %s %s", code, again, errs)
	}
	if out, _, code := configRun(t, none, "", "explain"); code != 0 || !strings.HasPrefix(out, "# in force without "+none+"\n") {
		t.Errorf("%d %s", code, out)
	}
	out, _, code = configRun(t, none, "", "explain", file, "-o", "json")
	var got explained
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || !got.Exists || len(got.Settings) < 10 {
		t.Fatalf("%d %s %v", code, out, err)
	}
	if c, err := config.Decode(got.Config); err != nil || c.MaxJails != 7 {
		t.Errorf("%+v %v", c, err)
	}
	if _, errs, code := configRun(t, none, "", "explain", none); code != 1 || errs != "clawjail: config "+none+": no such file\n" {
		t.Errorf("%d %s", code, errs)
	}
}

func TestConfigCompile(t *testing.T) {
	out, errs, code := configRun(t, "", "version: 1\nlimits: {jails: 7}\n", "compile", "-", "--name", "a.yaml")
	if c, err := config.Decode([]byte(out)); err != nil || c.MaxJails != 7 || code != 0 || errs != "" {
		t.Errorf("%d %s %s %v", code, out, errs, err)
	}
	out, errs, code = configRun(t, "", "version: 1\nlimits: {jails: x}\nx: y\n", "compile", "-", "--name", "a.yaml")
	if code != 1 || out != "" || !strings.HasPrefix(errs, "a.yaml:2:17: ") || strings.Count(errs, "\n") != 2 {
		t.Errorf("%d %s %s", code, out, errs)
	}
	if help, _, _ := configRun(t, "", "", "--help"); strings.Contains(help, "compile") || !strings.Contains(help, "explain") {
		t.Errorf("%s", help)
	}
}
