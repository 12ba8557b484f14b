package notify

import (
	"slices"
	"testing"

	"clawjail/supervisor/config"
)

func TestAtLeast(t *testing.T) {
	for _, tt := range []struct {
		is, least string
		want      bool
	}{{"low", "", true}, {"low", "low", true}, {"low", "medium", false}, {"critical", "high", true}, {"", "critical", true}} {
		if got := AtLeast(tt.is, tt.least); got != tt.want {
			t.Errorf("%q at least %q: %v", tt.is, tt.least, got)
		}
	}
}

// What a channel can ask for is what there is.
func TestCategoriesAreTheConfigurations(t *testing.T) {
	if !slices.Equal(Categories(), config.Categories()) || !slices.Equal(Severities(), config.Severities()) {
		t.Error(config.Categories(), config.Severities())
	}
}
