package plan

import (
	"strings"
	"testing"

	"clawjail/policy/source"
)

// What is held, told and counted is part of the plan, in the words of the policy.
func TestTextShowsTheGates(t *testing.T) {
	p, err := source.Parse("p.yaml", []byte(`version: 1
name: careful
extends: [agent]
files:
  - {path: "${WORKSPACE}/docs", access: read, write: critical}
exec:
  default: routine
  rules:
    - {run: git, args: [push, ...], then: critical}
network:
  sensitive: ["upload.example.com:443"]
delete: {limit: 3/h, over: ask}
approval: {timeout: 90s}
on_refusal: explain
`), vars(), source.Features{Gate: true})
	if err != nil {
		t.Fatal(err)
	}
	text := lower(t, p, run(debian())).Text()
	for _, line := range []string{
		"  critical (ask) writing below /home/ada/project/docs: files[0], critical (p.yaml:5)\n",
		"  critical (ask) git args [push ...]: exec.rules[0], critical (p.yaml:9)\n",
		"  otherwise routine (allow)\n",
		"  allow upload.example.com port 443, tls or http with that name: network.sensitive[0], sensitive (p.yaml:11)\n",
		"  deletions beyond 3 per 1h: ask: delete (p.yaml:12)\n",
		"  questions denied after 1m30s without an answer\n",
		"  refusals explained on the program's stderr\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("explain lacks %q", line)
		}
	}
}
