package python

import (
	"testing"

	"clawjail/policy/skill/code/ir"
)

// TestSyntaxOfAllVersions has one program a row that some Python accepts.
func TestSyntaxOfAllVersions(t *testing.T) {
	for name, text := range map[string]string{
		"soft keywords as names":      "match = 1; match(x); match[1]; match.x; type = 2; case = 3\n",
		"type statement":              "type X[T] = list[T]\n",
		"type parameters":             "def f[T: int](x: T, /, *, y=1) -> T: ...\nclass C[T](A, metaclass=M): x = 1; y = 2\n",
		"match":                       "match c.split():\n    case [\"go\", (\"n\"|\"s\") as d] if d: pass\n    case {\"a\": x, **rest}: print(x)\n    case Point(x=0, y=yy) | None: pass\n    case _: pass\n",
		"quotes nested in a field":    "x = f\"{d[\"k\"]} {x=} {a!r:>{w}}\"\n",
		"a field over lines":          "x = f\"\"\"{\n  foo(\n   \"a\") }\"\"\"\n",
		"groups of exceptions":        "try: pass\nexcept* ValueError as e: pass\nexcept A, B: pass\nfinally: pass\n",
		"with in brackets":            "with (open(\"a\") as f, open(\"b\") as g): pass\n",
		"asynchronous":                "async def g():\n    async with a as b, c: await d\n    return [x async for x in y if (n := await x)]\n",
		"print of Python 2":           "print >>sys.stderr, \"x\"\nprint \"a\", b\nexec \"x\" in y\n",
		"slices":                      "a[1:2, ::3] = b = c\n*a, b = x\n",
		"a lambda in a default":       "f(*a, **k, b=lambda x=1, *y: (yield), c=not d in e)\n",
		"continued lines":             "x = 1 + \\\n    2\nif a and \\\n   b:\n    pass\n",
		"a comment before the indent": "if x:\n# c\n    y\n  # d\n    z\nelse:\n    w\n",
		"template strings":            "t\"hello {name}\"\n",
		"tabs and blanks":             "if x:\n\ty\n\tif z:\n\t\tw\n",
	} {
		t.Run(name, func(t *testing.T) {
			if f := Parse(text); len(f.Problems) > 0 {
				t.Errorf("%+v", f.Problems)
			}
		})
	}
}

// TestAnErrorHidesOneLine says that what stands around an error is still read.
func TestAnErrorHidesOneLine(t *testing.T) {
	f := Parse("a()\nx = = 1\nif y:\n    b(\n    c()\nd()\n")
	if len(f.Problems) == 0 || f.Problems[0].Line != 2 {
		t.Fatalf("%+v", f.Problems)
	}
	names := map[string]bool{}
	ir.Walk(f.Body, func(e *ir.Expr) bool {
		if e.Op == ir.Ident {
			names[e.Text] = true
		}
		return true
	})
	if !names["a"] {
		t.Errorf("read %v", names)
	}
}
