package python

import (
	"testing"

	"clawjail/policy/skill/code/ir"
)

func FuzzParse(f *testing.F) {
	f.Add("def f(a, *b, c=1, **d) -> int:\n    return [x async for x in a if x]\n")
	f.Add("match x:\n    case {\"a\": [1, *y]} if y: pass\n")
	f.Add("f\"{a!r:>{w}} {d['k']}\"")
	f.Add("class A(B, metaclass=C):\n  @d\n  async def f(self): yield\n")
	f.Add("print >>x, 1\nexec \"a\" in b\n")
	f.Add("x = y = (yield)\nwith (a as b, c): pass\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		file := Parse(text)
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
