package shell

import (
	"mvdan.cc/sh/v3/syntax"

	"clawjail/policy/skill/code/ir"
)

// command lowers what is not a simple command.
func (l *lowering) command(c syntax.Command, pos ir.Pos) []*ir.Stmt {
	switch c := c.(type) {
	case *syntax.BinaryCmd:
		return l.binary(c, pos)
	case *syntax.Subshell:
		return []*ir.Stmt{{Kind: ir.Detached, Pos: pos, Body: l.stmts(c.Stmts), Text: "()"}}
	case *syntax.Block:
		return l.stmts(c.Stmts)
	case *syntax.IfClause:
		return []*ir.Stmt{l.ifClause(c, pos)}
	case *syntax.WhileClause:
		return []*ir.Stmt{{Kind: ir.While, Pos: pos, X: l.subst(c.Cond, pos), Body: l.stmts(c.Do)}}
	case *syntax.ForClause:
		return []*ir.Stmt{l.forClause(c, pos)}
	case *syntax.CaseClause:
		return []*ir.Stmt{l.caseClause(c, pos)}
	case *syntax.FuncDecl:
		name := ""
		if c.Name != nil {
			name = c.Name.Value
		}
		return []*ir.Stmt{{Kind: ir.Def, Pos: pos, Func: &ir.Func{Pos: pos, Name: name, Body: l.stmt(c.Body)}}}
	case *syntax.DeclClause:
		return l.declare(c, pos)
	case *syntax.TestClause:
		cmd := &ir.Cmd{Words: []*ir.Expr{{Op: ir.Str, Pos: pos, Text: "[["}}}
		l.test(c.X, cmd)
		return []*ir.Stmt{{Kind: ir.Do, Pos: pos, X: l.node(&ir.Expr{Op: ir.Command, Pos: pos, Command: cmd})}}
	case *syntax.TimeClause:
		return l.stmt(c.Stmt)
	case *syntax.CoprocClause:
		return l.stmt(c.Stmt)
	}
	return nil
}

func (l *lowering) subst(list []*syntax.Stmt, pos ir.Pos) *ir.Expr {
	return l.node(&ir.Expr{Op: ir.Subst, Pos: pos, Body: l.stmts(list)})
}

func (l *lowering) ifClause(c *syntax.IfClause, pos ir.Pos) *ir.Stmt {
	first := &ir.Stmt{Kind: ir.If, Pos: pos, X: l.subst(c.Cond, pos), Body: l.stmts(c.Then)}
	last := first
	for e := c.Else; e != nil; e = e.Else {
		if len(e.Cond) == 0 {
			last.Else = l.stmts(e.Then)
			break
		}
		at := l.pos(e.Pos())
		next := &ir.Stmt{Kind: ir.If, Pos: at, X: l.subst(e.Cond, at), Body: l.stmts(e.Then)}
		last.Else = []*ir.Stmt{next}
		last = next
	}
	return first
}

func (l *lowering) forClause(c *syntax.ForClause, pos ir.Pos) *ir.Stmt {
	body := l.stmts(c.Do)
	it, ok := c.Loop.(*syntax.WordIter)
	if !ok || it.Name == nil {
		return &ir.Stmt{Kind: ir.While, Pos: pos, X: &ir.Expr{Op: ir.Bad, Pos: pos}, Body: body}
	}
	list := l.node(&ir.Expr{Op: ir.List, Pos: pos})
	for _, w := range it.Items {
		list.Args = append(list.Args, l.words(w)...)
	}
	if !it.InPos.IsValid() {
		list.Args = append(list.Args, &ir.Expr{Op: ir.Ident, Pos: pos, Text: "@"})
	}
	return &ir.Stmt{Kind: ir.For, Pos: pos, Text: "of", Targets: []*ir.Expr{{Op: ir.Ident, Pos: pos, Text: it.Name.Value}}, X: list, Body: body}
}

func (l *lowering) caseClause(c *syntax.CaseClause, pos ir.Pos) *ir.Stmt {
	s := &ir.Stmt{Kind: ir.Switch, Pos: pos, X: unsplit(l.word(c.Word))}
	for _, item := range c.Items {
		arm := &ir.Stmt{Kind: ir.If, Pos: pos, X: &ir.Expr{Op: ir.Bad, Pos: pos}}
		if len(item.Stmts) > 0 {
			arm.Pos = l.pos(item.Stmts[0].Pos())
			arm.Body = l.stmts(item.Stmts)
		}
		s.Body = append(s.Body, arm)
	}
	return s
}

func (l *lowering) declare(c *syntax.DeclClause, pos ir.Pos) []*ir.Stmt {
	cmd := &ir.Cmd{Declare: c.Variant.Value}
	for _, a := range c.Args {
		if a.Name == nil && a.Value != nil {
			cmd.Words = append(cmd.Words, l.words(a.Value)...)
		}
	}
	cmd.Assigns = l.assigns(c.Args)
	return []*ir.Stmt{{Kind: ir.Do, Pos: pos, X: l.node(&ir.Expr{Op: ir.Command, Pos: pos, Command: cmd})}}
}

func (l *lowering) test(x syntax.TestExpr, cmd *ir.Cmd) {
	if !l.enter() {
		return
	}
	defer l.leave()
	switch x := x.(type) {
	case *syntax.BinaryTest:
		l.test(x.X, cmd)
		cmd.Words = append(cmd.Words, &ir.Expr{Op: ir.Str, Pos: l.pos(x.Pos()), Text: x.Op.String()})
		l.test(x.Y, cmd)
	case *syntax.UnaryTest:
		cmd.Words = append(cmd.Words, &ir.Expr{Op: ir.Str, Pos: l.pos(x.Pos()), Text: x.Op.String()})
		l.test(x.X, cmd)
	case *syntax.ParenTest:
		l.test(x.X, cmd)
	case *syntax.Word:
		cmd.Words = append(cmd.Words, unsplit(l.word(x)))
	}
}

// binary lowers pipelines and lists. Both nest to the left without limit, so
// the spine is walked in a loop.
func (l *lowering) binary(c *syntax.BinaryCmd, pos ir.Pos) []*ir.Stmt {
	if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
		pipe := l.node(&ir.Expr{Op: ir.Pipe, Pos: pos})
		for _, s := range pipeline(c) {
			pipe.Args = append(pipe.Args, l.stage(s))
		}
		return []*ir.Stmt{{Kind: ir.Do, Pos: pos, X: pipe}}
	}
	var stages []*syntax.Stmt
	var or []bool
	for {
		stages = append(stages, c.Y)
		or = append(or, c.Op == syntax.OrStmt)
		next, ok := c.X.Cmd.(*syntax.BinaryCmd)
		if !ok || len(c.X.Redirs) > 0 || next.Op == syntax.Pipe || next.Op == syntax.PipeAll {
			stages = append(stages, c.X)
			break
		}
		c = next
	}
	var out []*ir.Stmt
	for i, s := range stages { // from the last to the first
		body := l.stmt(s)
		if i == 0 {
			out = body
			continue
		}
		x := &ir.Expr{Op: ir.Subst, Pos: l.pos(s.Pos()), Body: body, Text: "cond"}
		n := &ir.Stmt{Kind: ir.If, Pos: x.Pos, X: x}
		if i > 40 { // deep chains need no conditions
			out = append(body, out...)
			continue
		}
		if or[i-1] {
			n.Else = out
		} else {
			n.Body = out
		}
		out = []*ir.Stmt{n}
	}
	return out
}

// pipeline lists the stages of a pipeline, which nests to either side.
func pipeline(c *syntax.BinaryCmd) []*syntax.Stmt {
	var out []*syntax.Stmt
	todo := []*syntax.Stmt{c.Y, c.X}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if b, ok := s.Cmd.(*syntax.BinaryCmd); ok && len(s.Redirs) == 0 && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) {
			todo = append(todo, b.Y, b.X)
			continue
		}
		out = append(out, s)
	}
	return out
}

// stage is one command of a pipeline: a Command where it is simple.
func (l *lowering) stage(s *syntax.Stmt) *ir.Expr {
	body := l.stmt(s)
	if len(body) == 1 && body[0].Kind == ir.Do && body[0].X != nil && body[0].X.Op == ir.Command {
		return body[0].X
	}
	return l.node(&ir.Expr{Op: ir.Subst, Pos: l.pos(s.Pos()), Body: body})
}
