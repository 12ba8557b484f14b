package send

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"clawjail/supervisor/notify"
)

// Body is what a webhook is sent.
type Body struct {
	Type      string         `json:"type"` // clawjail.CATEGORY.EVENT
	Timestamp time.Time      `json:"timestamp"`
	Data      notify.Message `json:"data"`
}

// Sign gives the signature of a body as standardwebhooks.com has it.
func Sign(secret []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// webhook posts a message, signed.
func (s *Sender) webhook(ctx context.Context, r notify.Route, d notify.Delivery) (refused bool, err error) {
	m := d.Message
	body, err := json.Marshal(Body{Type: "clawjail." + m.Category + "." + m.Event, Timestamp: m.Time, Data: m})
	if err != nil {
		return true, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Channel.URL, bytes.NewReader(body))
	if err != nil {
		return true, err
	}
	now := time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "clawjail")
	req.Header.Set("Webhook-Id", d.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", Sign(r.Secret, d.ID, now, body))
	res, err := s.http.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return false, nil
	}
	// What the same request can never change; anything else may be mended.
	never := []int{http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}
	return slices.Contains(never, res.StatusCode), fmt.Errorf("the server answered %d", res.StatusCode)
}
