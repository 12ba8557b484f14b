package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/client"
	"clawjail/supervisor/console"
)

// checkAsk says before anything is started what stands against asking here.
func (f runFlags) checkAsk() error {
	switch {
	case f.ask == "":
		return nil
	case f.ask != "here":
		return fmt.Errorf("unknown --ask %q; the only one is here", f.ask)
	case f.detach:
		return errors.New("--ask here and --detach exclude each other: a detached jail has no terminal; use clawjail pending or clawjail console")
	case !term.IsTerminal(int(os.Stdin.Fd())), !term.IsTerminal(int(os.Stdout.Fd())):
		return errors.New("--ask here needs a terminal at stdin and stdout; leave it out, and use clawjail pending or clawjail console elsewhere")
	}
	return nil
}

// askHere asks on the terminal of a foreground run.
type askHere struct {
	client client.Client
	style  show.Style
	tty    *console.Shared
}

// Share implements client.Asker.
func (a *askHere) Share(in io.Reader, out io.Writer) io.ReadWriter {
	a.tty = console.Share(in, out, true)
	return a.tty
}

// Ask implements client.Asker.
func (a *askHere) Ask(ctx context.Context, jailID string) error {
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		a.style.Width = w
	}
	return console.Inline(ctx, a.client, jailID, a.tty, a.style)
}
