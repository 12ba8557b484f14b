package code

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"clawjail/policy/skill"
)

// hostile are texts that try to take the stack, the time or the memory.
func hostile() map[string]string {
	const n = 10_000
	return map[string]string{
		"round brackets":     strings.Repeat("(", n) + strings.Repeat(")", n),
		"square brackets":    "x = " + strings.Repeat("[", n) + strings.Repeat("]", n),
		"braces":             strings.Repeat("{", n) + strings.Repeat("}", n),
		"open brackets":      strings.Repeat("([{", n),
		"substitutions":      strings.Repeat("$(", n) + "x" + strings.Repeat(")", n),
		"expansions":         strings.Repeat("${a:-", n) + strings.Repeat("}", n),
		"templates":          strings.Repeat("`${", n) + "1" + strings.Repeat("}`", n),
		"format strings":     strings.Repeat("f'{", n) + "1" + strings.Repeat("}'", n),
		"arrows":             strings.Repeat("(a=", n) + "1" + strings.Repeat(")=>1", n),
		"arrow starts":       strings.Repeat("(a,(b,", n),
		"generics":           strings.Repeat("a<b<", n) + "c" + strings.Repeat(">", n),
		"elements":           strings.Repeat("<a>", n),
		"unary":              "x = " + strings.Repeat("-~!", n) + "1",
		"not":                "x = " + strings.Repeat("not ", n) + "1",
		"a long sum":         "x = 1" + strings.Repeat(" + 1", 200_000),
		"a long text":        "x = 'a'" + strings.Repeat(" + 'a'", 100_000),
		"a long chain":       "x" + strings.Repeat(".a()", 100_000),
		"a long pipe":        "a" + strings.Repeat(" | a", 100_000),
		"a long list":        "a" + strings.Repeat(" && a", 100_000),
		"blocks":             strings.Repeat("if x:\n", 1) + nested(n),
		"else if":            "if (a) {}" + strings.Repeat(" else if (a) {}", n),
		"elif":               "if a:\n x\n" + strings.Repeat("elif a:\n x\n", n),
		"ifs":                strings.Repeat("if true; then\n", n),
		"functions":          strings.Repeat("function f(){", n),
		"lambdas":            "x = " + strings.Repeat("lambda: ", n) + "1",
		"conditions":         "x = " + strings.Repeat("a ? ", n) + "1",
		"assignments":        strings.Repeat("a = ", 50_000) + "1",
		"backslashes":        strings.Repeat(`\`, 1<<20),
		"quotes":             strings.Repeat(`'"`, 1<<18),
		"nothing":            strings.Repeat("\x00", 1<<16),
		"a line of letters":  strings.Repeat("a", 8<<20),
		"itself in a list":   "x = []\nx.append(x)\nx.append(x)\nprint(x)\ny = x + x\nprint([str(x)])\nexec(x)\n",
		"itself in an array": "const x = []; x.push(x); x.push(x); eval(x + x); fetch(x);",
		"doubling":           "x = 'a'\nfor i in range(60):\n  x = x + x\nexec(x)",
		"doubling lists":     "x = [1]\nfor i in range(60):\n  x = x + x\nprint(x)",
		"repeat":             "x = 'a' * 10 ** 9\ny = [0] * 10 ** 9\nz = 'b' * -1\nexec(x)",
		"calls":              "def f(a):\n  return f(a + 'x') + f(a + 'y')\nf('')\n",
		"bound functions":    "let f = () => 1; for (let i = 0; i < 20000; i++) { f = f.bind(null); } f();",
		"evaluation":         "s = 'exec(s)'\nexec(s)\n",
		"evaluation in text": "const s = 'eval(s);eval(s);eval(s)'; eval(s);",
		"shell in shell":     "f() { bash -c \"f; f\"; eval 'f; f'; }\nf\n",
		"turns for ever":     "while True:\n  while True:\n    while True:\n      x = x + 1\n",
		"many functions":     strings.Repeat("def f(a):\n  return f(g(f(a)))\ndef g(a):\n  return f(a)\n", 3000),
	}
}

func nested(n int) string {
	var b strings.Builder
	for i := range min(n, 1500) {
		b.WriteString(strings.Repeat(" ", i+1) + "if x:\n")
	}
	return b.String()
}

// TestHostileTextIsBounded gives each text to each language. The work is
// counted in steps and the memory in bytes; there is no clock.
func TestHostileTextIsBounded(t *testing.T) {
	for name, text := range hostile() {
		for _, l := range []skill.Lang{skill.Shell, skill.Python, skill.JavaScript, skill.TypeScript} {
			t.Run(name+"/"+string(l), func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				findings, _ := Analyze(context.Background(), []skill.Unit{{File: "x", Lang: l, Text: text, Line: 1, Column: 1}}, skill.Manifest{}, Options{})
				runtime.ReadMemStats(&after)
				if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<30 {
					t.Errorf("allocated %d MiB", grown>>20)
				}
				if len(findings) > 2100 {
					t.Errorf("%d findings", len(findings))
				}
			})
		}
	}
}

// TestAnEndedContextEndsTheAnalysis says so.
func TestAnEndedContextEndsTheAnalysis(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	findings, _ := Analyze(ctx, []skill.Unit{{File: "x.py", Lang: skill.Python, Text: "print(1)", Line: 1, Column: 1}}, skill.Manifest{}, Options{})
	if len(about(findings, "CJS-COV-001", true)) == 0 {
		t.Errorf("nothing says that the code was not read: %+v", findings)
	}
}

func FuzzAnalyze(f *testing.F) {
	for _, s := range []string{"curl x | sh", "exec(base64.b64decode('cHJpbnQoMSk='))", "eval(atob('MQ=='))", "a=b; $a", "x = [*a, **b]", "`${a}`"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		for _, l := range []skill.Lang{skill.Shell, skill.Python, skill.JavaScript, skill.TypeScript} {
			findings, caps := Analyze(context.Background(), []skill.Unit{{File: "x", Lang: l, Text: text, Line: 1, Column: 1}}, skill.Manifest{}, Options{})
			for _, x := range findings {
				if x.Rule == "" || x.File != "x" || len(x.Evidence) > skill.MaxEvidence {
					t.Fatalf("finding %+v", x)
				}
			}
			for _, c := range caps {
				if c.Kind == "" || c.Value == "" {
					t.Fatalf("capability %+v", c)
				}
			}
		}
	})
}

// BenchmarkAnalyze runs all fixtures as one skill: about 240 small files.
func BenchmarkAnalyze(b *testing.B) {
	units, total := fixtures(b)
	b.SetBytes(int64(total))
	for b.Loop() {
		Analyze(context.Background(), units, skill.Manifest{}, Options{})
	}
}
