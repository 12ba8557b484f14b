package skill

// Place is where something stands: a file of the tree (slashes, below the
// root; members of archives as "a.zip!/b"), line and column from one, in
// bytes. Line 0 means the file as a whole.
type Place struct {
	File      string `json:"file"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"end_line,omitempty"`
	EndColumn int    `json:"end_column,omitempty"`
}

// Step is one station of a flow, from source to sink.
type Step struct {
	Place
	Note string `json:"note"`
}

// Finding is one thing that a rule says about one place. Make it with
// rule.New, which fills in what the rule table knows.
type Finding struct {
	Rule       string     `json:"rule"`
	Severity   Severity   `json:"severity"`
	Confidence Confidence `json:"confidence"`
	Class      Class      `json:"class"`
	Place
	// Message says what was found here, for a person.
	Message string `json:"message"`
	// Evidence is a piece of the text, escaped, secrets taken out, at most
	// MaxEvidence bytes.
	Evidence string   `json:"evidence,omitempty"`
	Flow     []Step   `json:"flow,omitempty"`
	CWE      []string `json:"cwe,omitempty"`
	OWASP    []string `json:"owasp,omitempty"`
	Fix      string   `json:"fix,omitempty"`
	// Fingerprint names the finding across versions of the skill: it does not
	// depend on line numbers. Package audit fills it in.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Discouraged says that the text stands where the reader is told not to do
	// this, or in a reference on security: the confidence was taken down.
	Discouraged bool `json:"discouraged,omitempty"`
}

// MaxEvidence bounds Finding.Evidence, in bytes.
const MaxEvidence = 200

// Kinds of Capability.
const (
	CapNet    = "net"    // value host:port, or host
	CapListen = "listen" // value address:port, or port
	CapExec   = "exec"   // value program
	CapRead   = "read"   // value path or glob
	CapWrite  = "write"  // value path or glob
	CapEnv    = "env"    // value name of the variable
)

// Capability is something that the skill needs in order to do what it does.
type Capability struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
	Place
	// Declared says that the manifest or the documentation names it.
	Declared bool    `json:"declared"`
	Because  []Place `json:"because,omitempty"`
}
