package api

// ActionLimit is how much of one limit of actions is used.
type ActionLimit struct {
	Of       string `json:"of"`                 // a type of action, or "spending"
	Currency string `json:"currency,omitempty"` // of money; then the numbers are minor units
	Scope    string `json:"scope"`              // jail, agent, user or all
	Subject  string `json:"subject,omitempty"`  // which jail, agent or user
	Max      int64  `json:"max"`
	Used     int64  `json:"used"`
	Left     int64  `json:"left"`
	PerNS    int64  `json:"per_ns"`
	Over     string `json:"over"` // ask or deny
	Rule     string `json:"rule"`
	Error    string `json:"error,omitempty"` // why the use cannot be told; then nothing is let through
}
