package approval

// Critical reports whether approving a request should take more than a click:
// what it does cannot surely be undone, or spends.
func Critical(r Request) bool { return Severity(r) != "low" }
