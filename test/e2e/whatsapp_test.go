//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"clawjail/supervisor/notify"
)

// TestWhatsApp runs the command that README names, against a server that answers
// as WhatsApp's does.
func TestWhatsApp(t *testing.T) {
	var refuse atomic.Bool
	got := make(chan *http.Request, 2)
	body := make(chan []byte, 2)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- r
		body <- b
		if refuse.Load() {
			http.Error(w, `{"error":{"code":190}}`, http.StatusUnauthorized)
		}
	}))
	defer s.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("fake-token-of-a-test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := json.Marshal(notify.Message{Title: "nightly asks", Text: "git push\n\"to\"\torigin " + strings.Repeat("ä", 2000), Link: "https://console.example.org/a"})
	if err != nil {
		t.Fatal(err)
	}
	tell := func() (string, error) {
		cmd := exec.Command("../../supervisor/notify/examples/whatsapp", "1234", "4915100000000", token, "clawjail")
		cmd.Env = append(os.Environ(), "WHATSAPP_API="+s.URL)
		cmd.Stdin = strings.NewReader(string(m) + "\n")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := tell(); err != nil {
		t.Fatalf("%s, %v", out, err)
	}
	r := <-got
	if r.Method != http.MethodPost || r.URL.Path != "/1234/messages" || r.Header.Get("Authorization") != "Bearer fake-token-of-a-test" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	var sent struct {
		Product  string `json:"messaging_product"`
		To, Type string
		Template struct {
			Name       string
			Components []struct{ Parameters []struct{ Text string } }
		}
	}
	if err := json.Unmarshal(<-body, &sent); err != nil || sent.Product != "whatsapp" || sent.To != "4915100000000" || sent.Type != "template" || sent.Template.Name != "clawjail" {
		t.Fatalf("%+v, %v", sent, err)
	}
	text := sent.Template.Components[0].Parameters[0].Text
	if !strings.HasPrefix(text, `nightly asks git push "to" origin ää`) || !strings.HasSuffix(text, "ä… https://console.example.org/a") || len([]rune(text)) != 1000 {
		t.Errorf("%d characters: %q", len([]rune(text)), text)
	}
	refuse.Store(true)
	if out, err := tell(); err == nil || !strings.Contains(out, "401") {
		t.Errorf("refused: %q, %v", out, err)
	}
}
