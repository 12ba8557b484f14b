package checklist

import (
	"fmt"
	"time"
)

// ResponseDocument is where it is written who does what in an incident.
const ResponseDocument = "/etc/clawjail/incident-response.md"

// rewrittenWithin is how lately somebody must have looked over the document: people
// and numbers change.
const rewrittenWithin = 365 * 24 * time.Hour

func responseWritten(f Facts) Item {
	return judged("incident-response", "What is done in an incident is written down", f.Response, func(r Response) (Status, string, string) {
		switch {
		case r.Bytes == 0:
			return Failed, "nobody wrote into " + r.Document, "write into it who decides, who is called and how, and what is done first"
		case len(r.Missing) > 0:
			return Failed, "the playbook runs what is not there: " + list(r.Missing), "incidents.playbook in /etc/clawjail/config.yaml"
		case f.Time.Sub(r.Changed) > rewrittenWithin:
			return Attention, fmt.Sprintf("%s is of %s", r.Document, stamp(r.Changed)), "read it over, and save it"
		case len(r.Plays) == 0:
			return OK, r.Document + "; no command runs by itself", ""
		}
		return OK, fmt.Sprintf("%s; the playbook runs %s", r.Document, list(r.Plays)), ""
	})
}
