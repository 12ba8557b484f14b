package approval

// Impact says what a request touches, from rules and kernel facts alone.
func Impact(r Request) ([]string, Reversible) { return nil, ReversibleUnknown }
