package script

import (
	"testing"

	"clawjail/policy/skill/code/ir"
)

func FuzzParse(f *testing.F) {
	f.Add("const {a, ...b} = await import(`x${1}`);", true)
	f.Add("class A<T> extends B { #x = 1; static { } get y() { return 1 } }", true)
	f.Add("function f(this: X, a?: string): a is Y { return <T>a!; }", true)
	f.Add("const e = <A b={c}>text {d} <E/></A>;", true)
	f.Add("for (const [k, v] of Object.entries(x)) label: continue;", true)
	f.Add("a?.b?.[c]?.(d) ?? (e, f) => /re[/]x/g", true)
	f.Fuzz(func(t *testing.T, text string, typed bool) {
		if len(text) > 1<<16 {
			return
		}
		file := Parse(text, typed)
		if len(file.Problems) > ir.MaxProblems {
			t.Errorf("%d problems", len(file.Problems))
		}
		ir.Walk(file.Body, func(e *ir.Expr) bool {
			if e.Line < 0 || e.Col < 0 {
				t.Errorf("place %v", e.Pos)
			}
			return true
		})
	})
}
