package audit

// code runs the analysis of programs over all units together.
func (s *state) code() {}
