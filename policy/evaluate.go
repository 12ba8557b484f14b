package policy

// Evaluate judges r.
func (p *Policy) Evaluate(r Request) Decision { return Decision{} }
