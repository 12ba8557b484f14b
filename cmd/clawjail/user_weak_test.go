package main

import (
	"strings"
	"testing"
)

// Without the program that knows, no password is good enough.
func TestAPasswordThatNobodyJudgedIsRefused(t *testing.T) {
	err := (&env{}).weak("rhubarb-violin-tundra-19", "alice") // beside the test there is no other program
	if err == nil || !strings.Contains(err.Error(), "clawjail-gateway") {
		t.Errorf("got %v", err)
	}
	if err := (&env{}).weak("\xff\xfe0123456789ab", "alice"); err == nil || !strings.Contains(err.Error(), "not text") {
		t.Errorf("bytes that are no text: %v", err)
	}
}
