package supervisor

import (
	"net/http"
	"time"

	"clawjail/supervisor/api"
)

// onDuty says who is asked, now or at another moment.
func (c *call) onDuty() (any, *api.Error) {
	at := time.Now()
	if text := c.r.URL.Query().Get("at"); text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, api.Errorf(http.StatusBadRequest, "at: %q is no time, as in 2026-12-20T09:00:00Z", text)
		}
	}
	return c.s.approvals.rota.Duty(at), nil
}
