package send

import (
	"net/http"
	"os"
	"testing"
)

// TestMain does what the gateway's main does first.
func TestMain(m *testing.M) {
	http.DefaultTransport = NewBounded(nil)
	os.Exit(m.Run())
}
