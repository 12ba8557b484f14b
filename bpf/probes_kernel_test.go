//go:build kernel

package bpf

import (
	"errors"
	"github.com/cilium/ebpf"
	"testing"
	"time"
)

func TestLoadTime(t *testing.T) {
	start := time.Now()
	f, err := Probe()
	if err != nil {
		t.Fatal(err)
	}
	t.Log("probe", time.Since(start), f.Tier(), f.Err(), f)
	start = time.Now()
	p, err := Load(Options{})
	if err != nil {
		var ve *ebpf.VerifierError
		errors.As(err, &ve)
		t.Fatalf("%+v\n%+v", err, ve)
	}
	t.Log("load", time.Since(start), p.Tier())
	p.Close()
	start = time.Now()
	p, err = Load(Options{})
	if err != nil {
		var ve *ebpf.VerifierError
		errors.As(err, &ve)
		t.Fatalf("%+v\n%+v", err, ve)
	}
	t.Log("load", time.Since(start), p.Tier())
	p.Close()
}
