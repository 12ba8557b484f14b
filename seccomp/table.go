package seccomp

// entry is one row of the architecture's table.
type entry struct {
	name string
	nr   int
}

// Number returns the number of a named system call on this architecture.
func Number(name string) (nr int, ok bool) {
	for _, e := range numbers() {
		if e.name == name {
			return e.nr, true
		}
	}
	return 0, false
}

// Names returns every known system call in the order of its number.
func Names() []string {
	table := numbers()
	names := make([]string, len(table))
	for i, e := range table {
		names[i] = e.name
	}
	return names
}

// byName is the table as a map, for those who look up many.
func byName() map[string]int {
	m := make(map[string]int, 400)
	for _, e := range numbers() {
		m[e.name] = e.nr
	}
	return m
}
