package ir

// Limits of a parsed file.
const (
	// MaxDepth bounds the nesting of brackets, blocks and functions.
	MaxDepth = 200
	// MaxNodes bounds the expressions and statements of one file.
	MaxNodes = 1 << 20
	// MaxBytes bounds the text of one file.
	MaxBytes = 4 << 20
	// MaxProblems bounds File.Problems.
	MaxProblems = 20
)

// Pos is a place in the parsed text: line and column from one, in bytes.
type Pos struct{ Line, Col int32 }

// Op says what an expression is.
type Op uint8

// The kinds of expressions. Which fields they use stands beside them.
const (
	Bad        Op = iota // text that did not parse, or a value nobody knows
	Str                  // Text
	Bytes                // Text, one byte each
	Num                  // Num
	Bool                 // Num is 0 or 1
	Null                 //
	Ident                // Text
	Attr                 // X . Text
	Index                // X [ Y ]
	Slice                // X [ Args[0] : Args[1] : Args[2] ], each may be nil
	Call                 // X ( Args ); keyword arguments are KeyArg
	New                  // new X ( Args )
	KeyArg               // Text = X
	Spread               // *X, ...X
	DictSpread           // **X
	Binary               // X Text Y
	Unary                // Text X
	Cond                 // X ? Y : Z
	List                 // Args
	Tuple                // Args
	Dict                 // Args are Pair, Spread or DictSpread
	Pair                 // X : Y
	Format               // Args joined: f-string, template
	Lambda               // Func
	Await                // X
	Yield                // X, may be nil
	Assign               // X Text Y as an expression: :=, =, +=
	Comp                 // X (and Y for a dict) for Clauses
	ClassExpr            // Class
	Regex                // Text
	Seq                  // Args, the last one is the value
	Command              // Command: a shell command
	Pipe                 // Args: a shell pipeline
	Subst                // Body: $( ), its output is the value
	Word                 // Args: the parts of a shell word
	Split                // X: an unquoted expansion, split into words
	Procs                // Body: <( ) or >( ), Text is the operator
	Slicing              // Args[0] changed by a shell expansion; Text names it
)

// Expr is an expression.
type Expr struct {
	Op
	Pos
	Text    string
	Num     float64
	X, Y, Z *Expr
	Args    []*Expr
	Clauses []Clause
	Func    *Func
	Class   *Class
	Body    []*Stmt
	Command *Cmd
}

// Clause is one "for Target in X if Conds" of a comprehension.
type Clause struct {
	Target, X *Expr
	Conds     []*Expr
}

// Func is a function.
type Func struct {
	Pos
	Name   string
	Params []Param
	Body   []*Stmt
	// Decorators stand before it; they are called with it.
	Decorators []*Expr
	// Static says that a method takes no instance.
	Static bool
}

// Param is a parameter; Target is an Ident or a pattern.
type Param struct {
	Target  *Expr
	Default *Expr
	// Rest is *args or ...args, Keys **kwargs.
	Rest, Keys bool
}

// Class is a class. Its Body holds functions and assignments.
type Class struct {
	Pos
	Name       string
	Bases      []*Expr
	Body       []*Stmt
	Decorators []*Expr
}

// Cmd is a simple shell command.
type Cmd struct {
	// Assigns stand before the words: A=b cmd.
	Assigns []Binding
	Words   []*Expr
	Redirs  []Redir
	// Declare is export, declare, local, readonly or "": Assigns are its
	// arguments.
	Declare string
}

// Binding is Name=X of a shell command.
type Binding struct {
	Name   string
	X      *Expr
	Append bool
}

// Redir is a redirection: Op is <, >, >>, >&, <&, <<, <<<, &> or &>>; X is the
// target, or the text for here-documents.
type Redir struct {
	Op string
	FD string
	X  *Expr
}

// Kind says what a statement is.
type Kind uint8

// The kinds of statements.
const (
	Do       Kind = iota // X
	Let                  // Targets = X; Op is "" or "+=" and so on
	If                   // if X Body else Else
	For                  // for Targets[0] in X Body else Else
	While                // while X Body; Post; Text is "do" when Body comes first
	Def                  // Func
	ClassDef             // Class
	Return               // X, may be nil
	Import               // Import
	Export               // Body's definitions are exported; Text is "default" for X
	Try                  // Body, Else
	With                 // Targets[i] = Args[i], Body
	Block                // Body
	Switch               // X; Body are If, each with its label in X or nil
	Break                //
	Continue             //
	Throw                // X
	Delete               // X
	Redirect             // Body with Redirs
	Detached             // Body in a subshell or in the background; Text says which
)

// Stmt is a statement.
type Stmt struct {
	Kind
	Pos
	Targets []*Expr
	X       *Expr
	Text    string
	Args    []*Expr
	Body    []*Stmt
	Else    []*Stmt
	Post    *Expr
	Func    *Func
	Class   *Class
	Import  *ImportSpec
	Redirs  []Redir
}

// ImportSpec is an import: "from Module import Names", "import Module as As".
// Level counts leading dots in Python.
type ImportSpec struct {
	Module string
	As     string
	Level  int
	Names  []ImportName
	// Reexport says that the names become exports.
	Reexport bool
}

// ImportName is one imported name; Name may be "*" or "default".
type ImportName struct{ Name, As string }

// Problem is a place that did not parse.
type Problem struct {
	Pos
	Message string
	// Limit says that the text is over a limit, and not merely wrong.
	Limit bool
}

// File is a parsed text.
type File struct {
	Body     []*Stmt
	Problems []Problem
}

// Report adds a problem, as long as there is room.
func (f *File) Report(p Problem) {
	if len(f.Problems) < MaxProblems {
		f.Problems = append(f.Problems, p)
	}
}
