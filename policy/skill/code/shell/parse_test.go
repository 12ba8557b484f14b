package shell

import (
	"testing"

	"clawjail/policy/skill/code/ir"
)

func FuzzParse(f *testing.F) {
	f.Add("f() { cat <<EOF\n$x $(y)\nEOF\n}\n")
	f.Add("for i in {a,b}{c,d}; do echo ${i:1:2} ${i/a/b} ${!i}; done | tee >(cat)")
	f.Add("case $x in a|b) y;; *) z & esac")
	f.Add("[[ -f x && $y == z ]] || exit")
	f.Add("((a)); ((b) )")
	f.Add("exec&0\xb30")
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
