package gate

// scriptNote tells whoever is asked about a script whether it will run with the
// content that it has now. In a place that the jail cannot write, it will. In
// any other the interpreter opens it by its name after everything was judged,
// and nothing can hold it to what was looked at: see the decisions of this
// package.
func scriptNote(x *execution) string {
	if x.task.Fixed(x.chain.Files[0], x.named) {
		return "a script: content bound, the jail can change neither it nor its name"
	}
	return "a script: content not bound, it can change until its interpreter reads it"
}
