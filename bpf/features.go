package bpf

import "errors"

// Tier names. A host that can load BPF LSM programs is TierLSM.
const (
	TierLSM    = "lsm"
	TierNotify = "notify"
)

// Feature is one thing the probes need, and what happened when it was tried.
type Feature struct {
	Name     string
	Required bool   // without it no jail starts, in any tier
	Err      error  // nil: it works
	Hint     string // what mends it
}

// Features is the result of Probe.
type Features struct{ List []Feature }

// Tier returns the tier that Load will use.
func (f Features) Tier() string {
	for _, x := range f.List {
		if x.Name == featureLSM && x.Err == nil {
			return TierLSM
		}
	}
	return TierNotify
}

// Err joins the errors of the required features.
func (f Features) Err() error {
	var errs []error
	for _, x := range f.List {
		if x.Required && x.Err != nil {
			errs = append(errs, x.Err)
		}
	}
	return errors.Join(errs...)
}
