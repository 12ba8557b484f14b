package serve

import (
	"encoding/json"
	"net/http"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
)

// Handler answers the calls of approvers over one queue, without asking who may
// call: that is its user's business. The supervisor has its own routes, which
// do ask; this is for whoever needs the answers alone.
func Handler(q *approval.Queue, by func(*http.Request) approval.By) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/approvals", func(w http.ResponseWriter, _ *http.Request) {
		list, apiErr := List(q)
		reply(w, list, apiErr)
	})
	mux.HandleFunc("GET /v1/approvals/watch", func(w http.ResponseWriter, r *http.Request) {
		if apiErr := Watch(r.Context(), q, w); apiErr != nil {
			reply(w, nil, apiErr)
		}
	})
	mux.HandleFunc("GET /v1/approvals/notices", func(w http.ResponseWriter, r *http.Request) {
		reply(w, Notices(q, r.URL.Query().Get("jail")), nil)
	})
	mux.HandleFunc("GET /v1/approvals/{id}", func(w http.ResponseWriter, r *http.Request) {
		a, _, _, apiErr := See(q, r.PathValue("id"), by(r))
		reply(w, a, apiErr)
	})
	mux.HandleFunc("GET /v1/approvals/{id}/ended", func(w http.ResponseWriter, r *http.Request) {
		a, apiErr := Ended(q, r.PathValue("id"))
		reply(w, a, apiErr)
	})
	mux.HandleFunc("POST /v1/approvals/{id}/decide", func(w http.ResponseWriter, r *http.Request) {
		var d api.DecideRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, api.MaxRequestBytes)).Decode(&d); err != nil {
			reply(w, nil, api.Errorf(http.StatusBadRequest, "decode the request: %v", err))
			return
		}
		a, apiErr := Decide(q, r.PathValue("id"), d, by(r))
		reply(w, a, apiErr)
	})
	return mux
}

func reply(w http.ResponseWriter, v any, apiErr *api.Error) {
	status := http.StatusOK
	if apiErr != nil {
		v, status = apiErr, apiErr.Status
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller went away: nobody to tell
}
