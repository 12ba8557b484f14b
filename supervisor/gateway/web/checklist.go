package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/checklist"
)

// tooOld is when a run of the checklist says little about the host as it is now.
const tooOld = 8 * 24 * time.Hour

// checked is the checklist as the page and the API give it.
type checked struct {
	At    *time.Time       `json:"at,omitempty"` // none: it was never run
	By    string           `json:"by,omitempty"`
	Host  string           `json:"host,omitempty"`
	Old   bool             `json:"old"`
	OK    bool             `json:"ok"`
	Items []checklist.Item `json:"items"`
	Tasks []checklist.Task `json:"tasks"`
}

// Failed and Look count for the page's head.
func (c checked) Failed() int { return c.count(checklist.Failed) + c.count(checklist.Unknown) }

// Look counts what is permitted and should be known.
func (c checked) Look() int { return c.count(checklist.Attention) }

func (c checked) count(s checklist.Status) int {
	return checklist.Report{Items: c.Items, Tasks: c.Tasks}.Count(s)
}

// checkedOf joins the last run with what is due now.
func checkedOf(k api.KeptChecklist, now time.Time) (checked, error) {
	out := checked{Items: []checklist.Item{}, Tasks: checklist.Recurring(k.Done, now)}
	if !k.At.IsZero() {
		var r checklist.Report
		if err := json.Unmarshal(k.Report, &r); err != nil {
			return out, errors.New("what the checklist found cannot be read")
		}
		out.At, out.By, out.Host, out.Old = &k.At, k.By, r.Host, now.Sub(k.At) > tooOld
		out.Items = append(out.Items, r.Items...)
	}
	out.OK = out.At != nil && !out.Old && out.Failed() == 0
	// First what somebody has to do something about.
	slices.SortStableFunc(out.Items, func(x, y checklist.Item) int { return cmp.Compare(urgency(x.Status), urgency(y.Status)) })
	slices.SortStableFunc(out.Tasks, func(x, y checklist.Task) int { return cmp.Compare(urgency(x.Status), urgency(y.Status)) })
	return out, nil
}

// urgency orders statuses; what failed or is not known is none of the list.
func urgency(s checklist.Status) int {
	return slices.Index([]checklist.Status{checklist.Attention, checklist.OK}, s)
}

// light is the colour of a status, as the health page has them.
func light(s checklist.Status) string {
	switch s {
	case checklist.OK:
		return "ok"
	case checklist.Attention:
		return "warn"
	}
	return "bad"
}

func (v *view) checked() (checked, error) {
	var k api.KeptChecklist
	if err := v.s.up.get(v.r.Context(), v.access, "/v1/console/checklist", &k); err != nil {
		return checked{}, err
	}
	return checkedOf(k, time.Now())
}

func checklistPage(v *view) error {
	c, err := v.checked()
	if err == nil {
		v.show(http.StatusOK, "checklist", "checklist", "Checklist", false, c)
	}
	return err
}

func apiChecklist(c *apiCall) (any, error) {
	v := &view{s: c.s, r: c.r, visitor: c.visitor}
	return v.checked()
}
