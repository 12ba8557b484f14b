package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// MaxReport bounds the report of a run of the checklist, in bytes.
const MaxReport = 256 << 10

// Report is what a run of the checklist came to, as the command line wrote it.
type Report struct {
	At   time.Time       `json:"at"`
	By   string          `json:"by"`
	Body json.RawMessage `json:"report"`
}

// KeepReport writes a report down, durably, in the place of the one before.
func KeepReport(path string, r Report) error {
	if len(r.Body) > MaxReport || !json.Valid(r.Body) {
		return fmt.Errorf("the report of a checklist is JSON of at most %d bytes", MaxReport)
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return write(path, append(b, '\n'))
}

// LastReport gives the one that was kept last; its time is zero when there is none.
func LastReport(path string) (Report, error) {
	var r Report
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case err != nil:
		return r, err
	case info.Size() > 2*MaxReport:
		return r, fmt.Errorf("%s: %d bytes, at most %d", path, info.Size(), 2*MaxReport)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return Report{}, fmt.Errorf("%s: %w; run sudo clawjail checklist to write it anew", path, err)
	}
	return r, nil
}
