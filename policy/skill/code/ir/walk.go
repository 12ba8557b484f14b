package ir

// Walk calls visit with every expression below body, outermost first, and
// stops going down where visit answers false. It keeps its own stack, so that
// long chains of operators cost heap and not stack.
func Walk(body []*Stmt, visit func(*Expr) bool) {
	w := walker{}
	w.stmts(body)
	for len(w.todo) > 0 {
		e := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		if visit(e) {
			w.children(e)
		}
	}
}

type walker struct{ todo []*Expr }

func (w *walker) push(list ...*Expr) {
	for _, e := range list {
		if e != nil {
			w.todo = append(w.todo, e)
		}
	}
}

func (w *walker) stmts(body []*Stmt) {
	for _, s := range body {
		w.push(s.X, s.Post)
		w.push(s.Targets...)
		w.push(s.Args...)
		w.stmts(s.Body)
		w.stmts(s.Else)
		w.function(s.Func)
		w.class(s.Class)
		for _, r := range s.Redirs {
			w.push(r.X)
		}
	}
}

func (w *walker) function(f *Func) {
	if f == nil {
		return
	}
	for _, p := range f.Params {
		w.push(p.Target, p.Default)
	}
	w.push(f.Decorators...)
	w.stmts(f.Body)
}

func (w *walker) class(c *Class) {
	if c == nil {
		return
	}
	w.push(c.Bases...)
	w.push(c.Decorators...)
	w.stmts(c.Body)
}

func (w *walker) children(e *Expr) {
	w.push(e.X, e.Y, e.Z)
	w.push(e.Args...)
	for _, c := range e.Clauses {
		w.push(c.Target, c.X)
		w.push(c.Conds...)
	}
	w.function(e.Func)
	w.class(e.Class)
	w.stmts(e.Body)
	if c := e.Command; c != nil {
		w.push(c.Words...)
		for _, b := range c.Assigns {
			w.push(b.X)
		}
		for _, r := range c.Redirs {
			w.push(r.X)
		}
	}
}
