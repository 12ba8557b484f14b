package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/audit/view"
	"clawjail/supervisor/client"
)

// showAudit prints the records that the flags choose.
func showAudit(ctx context.Context, e *env, f auditFlags) error {
	filter, err := f.filter(time.Now())
	if err != nil {
		return err
	}
	if filter.Jail, err = jailIDs(ctx, e, f.dir, f.jail); err != nil {
		return auditHint(f.dir, err)
	}
	records := audit.Query(f.dir, filter)
	if f.follow {
		records = audit.Follow(ctx, f.dir, filter)
	}
	return auditHint(f.dir, printAudit(e, f, records))
}

// jailIDs turns the name of a jail into the ids of all jails that were started
// under it: names are used again, ids are not. The supervisor, where one runs,
// knows jails whose start this log does not hold any more.
func jailIDs(ctx context.Context, e *env, dir, jail string) (string, error) {
	if jail == "" || regexp.MustCompile(`^[a-z2-7]{13}$`).MatchString(jail) {
		return jail, nil
	}
	var ids []string
	for r, err := range audit.Query(dir, audit.Filter{Gate: audit.GateJail}) {
		if err != nil {
			if isCorrupt(err) {
				continue // said when the records are shown
			}
			return "", err
		}
		if r.Subject.Name == jail && r.Jail != "" && !slices.Contains(ids, r.Jail) {
			ids = append(ids, r.Jail)
		}
	}
	if j, err := (client.Client{Socket: e.socket}).Jail(ctx, jail); err == nil && !slices.Contains(ids, j.ID) {
		ids = append(ids, j.ID)
	}
	if len(ids) == 0 {
		return "", fmt.Errorf("no jail named %q in this log", jail)
	}
	return strings.Join(ids, ","), nil
}

func isCorrupt(err error) bool {
	var corrupt *audit.CorruptError
	return errors.As(err, &corrupt)
}

// printAudit prints records as they come. Damage is reported and does not end
// the listing.
func printAudit(e *env, f auditFlags, records iter.Seq2[audit.Record, error]) error {
	out := bufio.NewWriter(e.stdout)
	style := f.style(e.stdout)
	header := f.output != "json"
	damaged := 0
	var line []byte
	for r, err := range records {
		if err != nil && !isCorrupt(err) {
			return errors.Join(out.Flush(), err)
		}
		if err != nil {
			damaged++
			if ferr := out.Flush(); ferr != nil {
				return ferr
			}
			fmt.Fprintf(e.stderr, "clawjail: %s\n", escape.String(err.Error()))
			continue
		}
		if header {
			out.WriteString(style.Header())
			header = false
		}
		if f.output == "json" {
			line = append(r.AppendJSON(line[:0]), '\n')
		} else {
			line = style.Append(line[:0], &r)
		}
		_, werr := out.Write(line)
		if f.follow && werr == nil {
			werr = out.Flush()
		}
		if werr != nil {
			return werr
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if damaged > 0 {
		return &exitError{code: 1, err: fmt.Errorf("the log is damaged in %d places", damaged)}
	}
	return nil
}

// style is colourful on a terminal, and fits it.
func (f *auditFlags) style(w io.Writer) view.Style {
	s := view.Style{Location: time.Local}
	if f.utc {
		s.Location = time.UTC
	}
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return s
	}
	s.Color = wantsColor(w)
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && !f.wide {
		s.Width = width
	}
	return s
}

// auditHint says what to do about a log that cannot be read.
func auditHint(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run the command with sudo", err)
	case errors.Is(err, fs.ErrNotExist) && dir == defaultAuditDir:
		return fmt.Errorf("%w; it is made by the first jail on a host, and --dir names another", err)
	}
	return err
}
