package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/audit"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/stream"
	"clawjail/policy/skill/tree"
)

// version is set by the linker.
var version = "dev"

// softMemory is when the runtime begins to work hard to keep memory small.
const softMemory = 768 << 20

func main() {
	unpack := flag.Bool("unpack", false, "unpack an archive instead of looking into it")
	rules := flag.Bool("rules", false, "print the version of the rules")
	jailed := flag.Bool("jailed", false, "a jail is around this process")
	show := flag.Bool("version", false, "print the version")
	flag.Parse()
	switch {
	case *show:
		fmt.Println("clawjail-skill", version)
		return
	case *rules:
		fmt.Println(audit.Audit(context.Background(), skill.Tree{}, audit.Options{}).RuleSet)
		return
	}
	debug.SetMemoryLimit(softMemory)
	err := confine(*jailed)
	if err == nil {
		err = run(context.Background(), *unpack, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run reads one skill and writes what was asked for.
func run(ctx context.Context, unpack bool, in io.Reader, out io.Writer) error {
	t, err := read(ctx, bufio.NewReaderSize(in, 64<<10))
	var broken *archiveError
	switch {
	case errors.As(err, &broken) && !unpack:
		// An archive that is a bomb, or none, has a report like any other skill.
		t = broken.tree()
	case err != nil:
		return err
	}
	if unpack {
		return write(t, out)
	}
	ctx, cancel := budget(ctx)
	defer cancel()
	w := bufio.NewWriter(out)
	if err := json.NewEncoder(w).Encode(audit.Audit(ctx, t, audit.Options{})); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return w.Flush()
}

// read takes a stream, or an archive.
func read(ctx context.Context, in *bufio.Reader) (skill.Tree, error) {
	name, archive, err := stream.ArchiveHeader(in)
	switch {
	case err != nil:
		return skill.Tree{}, err
	case archive:
		data, err := io.ReadAll(io.LimitReader(in, tree.MaxArchive+1))
		if err != nil {
			return skill.Tree{}, fmt.Errorf("read the archive: %w", err)
		}
		t, err := tree.ReadArchive(ctx, name, data)
		if err != nil {
			return t, &archiveError{name, err}
		}
		return t, nil
	}
	s, err := stream.NewReader(in)
	if err != nil {
		return skill.Tree{}, err
	}
	return tree.ReadStream(ctx, s)
}

// archiveError says that an archive cannot be read.
type archiveError struct {
	name string
	err  error
}

func (e *archiveError) Error() string { return e.err.Error() }
func (e *archiveError) Unwrap() error { return e.err }

// tree is a skill of which nothing is known but that.
func (e *archiveError) tree() skill.Tree {
	f := rule.New("CJS-FILE-003", skill.Place{File: e.name}, e.err.Error(), "")
	f.Severity = skill.High
	return skill.Tree{Name: e.name, Problems: []skill.Finding{f}}
}

// write gives the skill in an archive as a stream, if it is whole: what was
// left out of the tree would be missing from what is installed.
func write(t skill.Tree, out io.Writer) error {
	if err := whole(t); err != nil {
		return err
	}
	w := stream.NewWriter(out, t.Name)
	for _, f := range t.Files {
		if f.Archive || strings.Contains(f.Path, "!/") {
			continue // unpacked to be looked at; the archive itself is a file
		}
		e := stream.Entry{Kind: stream.File, Path: f.Path, Mode: f.Mode, Links: 1, Size: f.Size, Data: f.Data}
		if f.Data == nil && f.Size > 0 || f.Link != "" {
			e.State = stream.Omitted
		}
		if err := w.Write(e); err != nil {
			return fmt.Errorf("write the skill: %w", err)
		}
	}
	return w.Close()
}

// whole says what of the archive itself is not in the tree.
func whole(t skill.Tree) error {
	var errs []error
	for _, p := range t.Problems {
		kept := t.File(p.File)
		inner := strings.Contains(p.File, "!/") || kept != nil && kept.Data != nil
		switch p.Rule {
		case "CJS-FILE-001", "CJS-FILE-003", "CJS-FILE-005", "CJS-FILE-008", "CJS-COV-001":
			if !inner && p.Severity <= skill.High && len(errs) < 10 {
				errs = append(errs, fmt.Errorf("%s: %s", p.Rule, p.Message))
			}
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("the archive holds what cannot be installed: %w", errors.Join(errs...))
}
