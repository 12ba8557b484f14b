package main

import (
	"os"
	"path/filepath"
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

// The program that knows is killed, before it says anything or in the middle of it:
// the password is refused.
func TestThePasswordsJudgeIsKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(filepath.Dir(self), "clawjail-gateway")
	for name, script := range map[string]string{
		"silent":           "kill -9 $$",
		"while it reads":   "read -r x; kill -9 $$",
		"while it speaks":  "echo all is well >&2; kill -9 $$",
		"after it was fed": "cat >/dev/null; kill -9 $$",
	} {
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		err := (&env{}).weak("rhubarb-violin-tundra-19", "alice")
		if removed := os.Remove(program); removed != nil {
			t.Fatal(removed)
		}
		if err == nil {
			t.Errorf("%s: the password was taken", name)
		}
	}
}
