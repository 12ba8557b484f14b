package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestResponseIsWritten(t *testing.T) {
	dir := t.TempDir()
	e := &env{config: filepath.Join(dir, "config.yaml")} // there is none
	document := filepath.Join(dir, "incident-response.md")
	if r, err := responseOf(e, document); err != nil || r.Bytes != 0 || r.Document != document {
		t.Errorf("without one: %+v, %v", r, err)
	}
	if err := os.WriteFile(document, []byte("call the desk\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := responseOf(e, document); err != nil || r.Bytes != 14 || r.Changed.IsZero() || len(r.Plays) != 0 {
		t.Errorf("with one: %+v, %v", r, err)
	}
	if _, err := responseOf(e, dir); err == nil {
		t.Error("a directory is taken for the document")
	}
}

func TestPlaysWithoutTheirPrograms(t *testing.T) {
	e := &env{config: filepath.Join(t.TempDir(), "config.yaml")}
	const text = "version: 1\nincidents:\n  playbook:\n" +
		"    - {name: page, at: contained, command: [/bin/sh, -c, \"true\"]}\n" +
		"    - {name: rotate, at: assessed, command: [/nowhere/rotate]}\n"
	if err := os.WriteFile(e.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		if _, err := responseOf(e, "/nowhere"); err == nil {
			t.Error("a configuration of somebody else's is trusted")
		}
		return
	}
	r, err := responseOf(e, "/nowhere")
	if err != nil || len(r.Plays) != 2 || len(r.Missing) != 1 || r.Missing[0] != "rotate: /nowhere/rotate" {
		t.Errorf("%+v, %v", r, err)
	}
}
