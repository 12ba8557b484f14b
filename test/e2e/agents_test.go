//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/test/e2e/mockmodel"
	"clawjail/test/e2e/smallnet"
)

// Where agents.sh puts things, as the host of the small internet sees it.
const (
	nodeBin     = smallnet.AgentsDir + "/node/node_modules/.bin"
	claudeBin   = smallnet.AgentsDir + "/claude/node_modules/@anthropic-ai/claude-code-linux-x64/claude"
	codexBin    = smallnet.AgentsDir + "/codex/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"
	openclawBin = smallnet.AgentsDir + "/openclaw/node_modules/.bin"
	agentPath   = "PATH=" + nodeBin + ":" + openclawBin + ":/usr/local/bin:/usr/bin:/bin"
	authorities = "/etc/ssl/certs/ca-certificates.crt"
)

// agent is one of the real agents: how to give it one prompt.
type agent struct {
	policy string
	host   string // of its model
	prompt func(t *testing.T, dir, key string) run
}

func agents() map[string]agent {
	return map[string]agent{
		"claude-code": {policy: "claude-code", host: "api.anthropic.com", prompt: claude},
		"codex":       {policy: "codex", host: "api.openai.com", prompt: codex},
		"openclaw":    {policy: "openclaw", host: "api.openai.com", prompt: openclaw},
	}
}

func claude(_ *testing.T, dir, key string) run {
	return run{
		Workspace: dir, Timeout: 2 * time.Minute,
		Env:  []string{"ANTHROPIC_API_KEY=sk-ant-" + key, "NODE_EXTRA_CA_CERTS=" + authorities},
		Argv: []string{claudeBin, "-p", "make a note", "--allowedTools", "Bash,Read,Write", "--model", "mock-1"},
	}
}

func codex(t *testing.T, dir, key string) run {
	home := filepath.Join(smallnet.UserHome, ".clawjail-codex")
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	give(t, home)
	write(t, filepath.Join(home, "config.toml"), `model = "mock-1"
model_provider = "key"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.key]
name = "key"
base_url = "https://api.openai.com/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
`, 0o600)
	return run{
		Workspace: dir, Timeout: 2 * time.Minute,
		Env:  []string{"OPENAI_API_KEY=sk-" + key, "SSL_CERT_FILE=" + authorities},
		Argv: []string{codexBin, "exec", "--skip-git-repo-check", "make a note"},
	}
}

func openclaw(t *testing.T, dir, key string) run {
	config := map[string]any{
		"agents": map[string]any{"defaults": map[string]any{"model": map[string]any{"primary": "mock/mock-1"}}},
		"models": map[string]any{"mode": "replace", "providers": map[string]any{"mock": map[string]any{
			"baseUrl": "https://api.openai.com/v1", "apiKey": "sk-" + key, "api": "openai-completions",
			"models": []any{map[string]any{
				"id": "mock-1", "name": "Mock", "reasoning": false, "input": []string{"text"},
				"cost":          map[string]int{"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
				"contextWindow": 128000, "maxTokens": 4096,
			}},
		}}},
	}
	b, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "openclaw.json")
	write(t, file, string(b), 0o600)
	return run{
		Workspace: dir, Timeout: 4 * time.Minute,
		Env:  []string{agentPath, "NODE_EXTRA_CA_CERTS=" + authorities},
		Argv: []string{"openclaw", "agent", "exec", "make a note", "--config", file, "--cwd", dir, "--json"},
	}
}

// TestAgentCompletesATurn is the purpose of it all: a real agent asks the
// model, runs a shell command, writes a file in the workspace, and is done.
func TestAgentCompletesATurn(t *testing.T) {
	for name, a := range agents() {
		t.Run(name, func(t *testing.T) {
			dir := workspace(t)
			key := script(t, mockmodel.DefaultScript())
			r := a.prompt(t, dir, key)
			r.Policy = example(t, a.policy)
			o := jail(t, r)
			if o.Code != 0 {
				t.Fatalf("%v", o)
			}
			if got := read(t, dir+"/note.txt"); got != "hi\n" {
				t.Errorf("note.txt is %q: %v", got, o)
			}
			if uid := ownerOf(t, dir+"/note.txt"); uid != smallnet.UserID {
				t.Errorf("note.txt belongs to %d", uid)
			}
			if !strings.Contains(o.Stdout, "DONE. note.txt written") {
				t.Errorf("the agent did not repeat the model's last words: %v", o)
			}
			list := records(t, o.Name)
			want(t, list, "the shell command", func(r audit.Record) bool {
				return r.Gate == audit.GateExec && strings.Contains(strings.Join(r.Subject.Argv, " "), "echo hi > note.txt")
			})
			want(t, list, "the file written", func(r audit.Record) bool {
				return r.Gate == audit.GateFile && strings.HasSuffix(r.Subject.Path, "/note.txt")
			})
			want(t, list, "the connection to the model", func(r audit.Record) bool {
				return r.Gate == audit.GateEgress && r.Subject.Host == a.host && r.Verdict == "allow" && r.Subject.BytesDown > 0
			})
		})
	}
}

// TestCodexUnaskedTraffic holds that what Codex tries by itself is refused:
// nothing about it reaches the internet, and each attempt is on record.
func TestCodexUnaskedTraffic(t *testing.T) {
	dir := workspace(t)
	before := len(reached(t, "github.com", "api.github.com"))
	r := codex(t, dir, script(t, mockmodel.DefaultScript()))
	r.Policy = example(t, "codex")
	o := jail(t, r)
	if o.Code != 0 {
		t.Fatalf("%v", o)
	}
	if hits := reached(t, "github.com", "api.github.com")[before:]; len(hits) > 0 {
		t.Errorf("this reached the internet: %v", hits)
	}
	list := records(t, o.Name)
	want(t, list, "the refused name github.com", func(r audit.Record) bool {
		return r.Gate == audit.GateDNS && r.Verdict == "deny" && strings.HasSuffix(r.Subject.Host, "github.com")
	})
	want(t, list, "git ls-remote", func(r audit.Record) bool {
		return r.Gate == audit.GateExec && strings.Contains(strings.Join(r.Subject.Argv, " "), "ls-remote")
	})
}

func ownerOf(t testing.TB, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}
