package skill

// Schema is the version of Report's JSON.
const Schema = 1

// Report is the result of an audit.
type Report struct {
	Schema int    `json:"schema"`
	Name   string `json:"name"`
	// Root is the root digest of the tree, "sha256:…", as skill/trust computes
	// it; "" when nobody did.
	Root string `json:"root,omitempty"`
	// RuleSet names the version of the rules, IOC list and top list.
	RuleSet      string       `json:"rule_set"`
	Verdict      Verdict      `json:"verdict"`
	Reasons      []string     `json:"reasons"`
	Findings     []Finding    `json:"findings"`
	Capabilities []Capability `json:"capabilities"`
	// Files and Bytes are what was read, Analysed how many of the files a rule
	// family could look into.
	Files    int   `json:"files"`
	Bytes    int64 `json:"bytes"`
	Analysed int   `json:"analysed"`
	// Omitted counts findings that were left out because there were too many;
	// they were weighed in the verdict.
	Omitted int `json:"omitted,omitempty"`
	// Baselined counts findings that a baseline file accepted.
	Baselined int `json:"baselined,omitempty"`
	// Description and Install are the manifest's, for who has to decide.
	Description string `json:"description,omitempty"`
}
