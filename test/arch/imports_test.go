package arch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport is the law of the top folders. A folder may import itself and what
// stands here; policy and the mechanisms do not know each other.
var mayImport = map[string][]string{
	"policy":     {},
	"seccomp":    {},
	"bpf":        {},
	"jail":       {"seccomp"},
	"audit":      {},
	"supervisor": {"policy", "seccomp", "bpf", "jail", "audit"},
	"cmd":        {"policy", "seccomp", "bpf", "jail", "audit", "supervisor"},
	"test":       {"policy", "seccomp", "bpf", "jail", "audit", "supervisor"},
}

// onlyImporters names the packages that few may import, and who these are
// (prefixes). It is what keeps parsers and cgo out of root processes.
var onlyImporters = map[string][]string{
	"clawjail/policy/source":            {"cmd/clawjail", "supervisor/client", "policy/source", "policy/skill/derive"},
	"clawjail/policy/strict":            {"policy/source", "supervisor/config/source"},
	"clawjail/supervisor/config/source": {"cmd/clawjail", "supervisor/client"},

	"clawjail/jail/container":   {"jail/shim"},
	"clawjail/seccomp/compiler": {"jail/shim", "jail/container", "cmd/clawjail-shim", "seccomp"},
	"clawjail/seccomp/vm":       {"seccomp", "cmd/clawjail", "supervisor/plan"},

	"github.com/opencontainers/runc":   {"jail/container"},
	"github.com/seccomp/":              {"seccomp/compiler"},
	"github.com/cilium/ebpf":           {"bpf", "supervisor/doctor"},
	"github.com/miekg/dns":             {"jail/egress", "test/e2e/smallnet"},
	"clawjail/policy/skill/audit":      {"cmd/clawjail-skill", "policy/skill"},
	"github.com/yuin/goldmark":         {"policy/skill/prose"},
	"github.com/owenrumney/go-sarif":   {"policy/skill/report"},
	"golang.org/x/net/html":            {"policy/skill/prose"},
	"github.com/hiddeco/sshsig":        {"policy/skill/trust"},
	"github.com/secure-systems-lab/":   {"policy/skill/trust"},
	"github.com/spf13/cobra":           {"cmd/clawjail"},
	"github.com/redis/":                {"supervisor/limit/shared", "test/e2e"},
	"github.com/modelcontextprotocol/": {"cmd/clawjail-act"},
	"go.yaml.in/yaml":                  {"policy/source", "policy/strict", "supervisor/config/source", "policy/skill/manifest"},
	"github.com/prometheus/":           {"supervisor/gateway"},
	"github.com/nicholas-fedor/":       {"supervisor/notify/send"},
	"github.com/wneessen/":             {"supervisor/notify/send"},
	"filippo.io/age":                   {"supervisor/backup", "cmd/clawjail"},
	"clawjail/supervisor/notify/send":  {"cmd/clawjail-gateway", "test/e2e"},
	"net/http/cgi":                     {"test/e2e/smallnet"},
	"os/exec":                          {"cmd", "jail", "supervisor", "policy", "test"},
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range goList(t, "./...") {
		top, _, _ := strings.Cut(p.short(), "/")
		allowed, known := mayImport[top]
		if !known {
			t.Errorf("%s: the top folders are fixed, and %q is none of them", p.ImportPath, top)
			continue
		}
		for _, imported := range p.Imports {
			target, ours := strings.CutPrefix(imported, module+"/")
			if !ours {
				continue
			}
			to, _, _ := strings.Cut(target, "/")
			if to != top && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s: %s may import only %v", p.ImportPath, imported, top, allowed)
			}
		}
	}
}

func TestPolicyIsPure(t *testing.T) {
	for _, p := range goList(t, "./policy") {
		for _, imported := range p.Imports {
			switch imported {
			case "os", "io/fs", "net", "net/http", "os/exec", "syscall", "golang.org/x/sys/unix", "log", "log/slog":
				t.Errorf("%s imports %s: it does no input, no output and asks no clock", p.ImportPath, imported)
			}
			if strings.HasPrefix(imported, module+"/") {
				t.Errorf("%s imports %s: it is the bottom of everything", p.ImportPath, imported)
			}
		}
	}
}

func TestFewImporters(t *testing.T) {
	for _, p := range goList(t, "./...") {
		for _, imported := range p.Imports {
			for rare, who := range onlyImporters {
				// A name that ends in a slash stands for all below it.
				if imported != rare && !strings.HasPrefix(imported, strings.TrimSuffix(rare, "/")+"/") {
					continue
				}
				if !slices.ContainsFunc(who, func(w string) bool {
					return p.short() == w || strings.HasPrefix(p.short(), w+"/")
				}) {
					t.Errorf("%s imports %s, which only %v may", p.ImportPath, imported, who)
				}
			}
		}
	}
}

// TestClosure holds the third-party packages of each binary that runs as root,
// or inside the jail, to a golden list.
func TestClosure(t *testing.T) {
	for _, binary := range []string{"clawjaild", "clawjail-shim", "clawjail-stage", "clawjail-egress", "clawjail-skill", "clawjail-act"} {
		t.Run(binary, func(t *testing.T) {
			var got []string
			for _, p := range goList(t, "-deps", "./cmd/"+binary) {
				if !p.Standard && !p.ours() {
					got = append(got, p.ImportPath)
				}
			}
			slices.Sort(got)
			golden := filepath.Join("testdata", binary+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Fields(string(b))
			for _, p := range got {
				if !slices.Contains(want, p) {
					t.Errorf("%s links %s, which is not in %s", binary, p, golden)
				}
			}
			for _, p := range want {
				if !slices.Contains(got, p) {
					t.Errorf("%s no longer links %s: remove it from %s", binary, p, golden)
				}
			}
		})
	}
}

// TestRootBinariesParseLittle names what must never be linked as root.
func TestRootBinariesParseLittle(t *testing.T) {
	forbidden := map[string][]string{
		"clawjaild": {"clawjail/policy/source", "clawjail/policy/strict", "clawjail/supervisor/config/source", "go.yaml.in/", "github.com/opencontainers/", "github.com/seccomp/", "github.com/redis/", "github.com/modelcontextprotocol/",
			"github.com/miekg/dns", "github.com/spf13/cobra", "github.com/prometheus/", "archive/zip", "html/", "github.com/nicholas-fedor/", "github.com/wneessen/", "filippo.io/age",
			"clawjail/supervisor/incident/evidence/verify"}, // archive/tar is there to write evidence; what reads it is not
		"clawjail-shim":  {"clawjail/policy", "go.yaml.in/", "net/http", "github.com/miekg/dns", "github.com/prometheus/", "clawjail/supervisor"},
		"clawjail-skill": {"clawjail/supervisor", "clawjail/bpf", "clawjail/jail", "clawjail/audit", "net/http", "github.com/cilium/", "github.com/opencontainers/"},
		"clawjail-act":   {"clawjail/policy", "clawjail/bpf", "clawjail/jail", "clawjail/supervisor/approval", "github.com/cilium/"},
		"clawjail-stage": {"clawjail/policy", "clawjail/supervisor", "clawjail/bpf", "clawjail/audit", "net/http", "encoding/xml", "github.com/cilium/"},
	}
	for binary, bad := range forbidden {
		for _, p := range goList(t, "-deps", "./cmd/"+binary) {
			for _, prefix := range bad {
				if strings.HasPrefix(p.ImportPath, prefix) {
					t.Errorf("%s links %s", binary, p.ImportPath)
				}
			}
		}
	}
}
