package main

import (
	"context"
	"testing"
)

func TestProcessorTimeIsKnown(t *testing.T) {
	before := used()
	for n := 0; used() <= before; n++ {
		if n > 1<<30 {
			t.Fatal("the time that the process used does not grow")
		}
	}
}

func TestBudgetEndsWithItsParent(t *testing.T) {
	parent, end := context.WithCancel(t.Context())
	ctx, cancel := budget(parent)
	defer cancel()
	end()
	<-ctx.Done()
}
