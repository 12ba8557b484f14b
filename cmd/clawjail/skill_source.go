package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/store"
	"clawjail/policy/skill/stream"
	"clawjail/policy/skill/trust"
)

// maxArchive is the largest archive that is read; the parser takes no larger.
const maxArchive = 64 << 20

// given is a skill as the command line names it: a directory that is open, or
// the bytes of an archive.
type given struct {
	path    string // absolute
	name    string // its last element, without an archive's ending
	dir     *os.File
	archive []byte
}

// openSkill opens what an argument names.
func openSkill(arg string) (*given, error) {
	if strings.Contains(arg, "://") || regexp.MustCompile(`^[^/]+@[^/]+:`).MatchString(arg) {
		return nil, fmt.Errorf("%s is on another host, and clawjail fetches nothing\n  clone or download it first, then name the directory and --source %s", readable(arg), normalSource(arg))
	}
	abs, err := filepath.Abs(arg)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(abs)
	if err != nil {
		return nil, fmt.Errorf("%w\n  name a directory with a SKILL.md, or an archive of one", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	g := &given{path: abs, name: skillName(filepath.Base(abs))}
	if info.IsDir() {
		g.dir = f
		return g, nil
	}
	defer f.Close()
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is neither a directory nor a file", readable(arg))
	}
	if g.archive, err = readAll(f, maxArchive); err != nil {
		return nil, fmt.Errorf("archive %s: %w", readable(arg), err)
	}
	return g, nil
}

func (g *given) close() {
	if g.dir != nil {
		_ = g.dir.Close()
	}
}

// skillName makes a name of a directory's or an archive's.
func skillName(base string) string {
	for _, ext := range []string{".zip", ".skill", ".tar", ".tgz", ".tar.gz", ".tar.bz2"} {
		if cut, ok := strings.CutSuffix(base, ext); ok {
			base = cut
			break
		}
	}
	name := strings.Trim(regexp.MustCompile(`[^A-Za-z0-9._-]+`).ReplaceAllString(base, "-"), "-._")
	if name = name[:min(len(name), 64)]; !trust.ValidName(name) {
		return "skill"
	}
	return name
}

// normalSource brings a URL into the form of trusted sources:
// github.com/owner/name.
func normalSource(s string) string {
	if strings.HasPrefix(s, "/") {
		return path.Clean(s)
	}
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	} else if host, p, ok := strings.Cut(s, ":"); ok && !strings.Contains(host, "/") {
		s = host + "/" + p
	}
	host, rest, _ := strings.Cut(s, "/")
	if _, after, ok := strings.Cut(host, "@"); ok {
		host = after
	}
	rest, _, _ = strings.Cut(rest, "?")
	return readable(strings.ToLower(host) + strings.TrimSuffix(path.Clean("/"+rest), ".git"))
}

// feed writes what the parser is to look into.
func (g *given) feed(ctx context.Context) func(io.Writer) error {
	if g.archive == nil {
		return feedDir(ctx, g.dir, filepath.Base(g.path))
	}
	return func(w io.Writer) error {
		if err := stream.WriteArchive(w, filepath.Base(g.path)); err != nil {
			return err
		}
		_, err := w.Write(g.archive)
		return err
	}
}

// feedDir streams a directory, less what belongs to git and the signatures.
func feedDir(ctx context.Context, dir *os.File, name string) func(io.Writer) error {
	return func(w io.Writer) error {
		s := stream.NewWriter(w, name)
		err := stream.Walk(ctx, dir, parserLimits(), func(e stream.Entry) error {
			if gitsOwn(e.Path) || e.Kind == stream.File && e.State == stream.Read && trust.IsSignature(e.Path, e.Data) {
				return nil
			}
			return s.Write(e)
		})
		return errors.Join(err, s.Close())
	}
}

// source gives the entries of the skill to who measures or keeps it.
func (g *given) source(ctx context.Context, p *parser) (store.Source, error) {
	if g.archive == nil {
		return store.FromDir(ctx, g.dir), nil
	}
	out, err := p.run(ctx, []string{"--unpack"}, g.feed(ctx), maxUnpacked)
	if err != nil {
		return nil, err
	}
	r, err := stream.NewReader(bytes.NewReader(out))
	if err != nil {
		return nil, fmt.Errorf("the unpacked skill: %w", err)
	}
	if trust.ValidName(r.Name) {
		g.name = r.Name // the archive's one top directory
	}
	return store.FromStream(r), nil
}

// audit has the parser look into a skill.
func (s *skills) audit(ctx context.Context, name string, feed func(io.Writer) error) (skill.Report, error) {
	out, err := s.parser.run(ctx, nil, feed, maxReport)
	var gaveUp *gaveUpError
	if errors.As(err, &gaveUp) {
		return gaveUpReport(name, s.ruleSet(ctx), gaveUp), nil
	}
	if err != nil {
		return skill.Report{}, err
	}
	return decodeReport(out)
}

// ruleSet asks the parser for the version of its rules. "" when it cannot say.
func (s *skills) ruleSet(ctx context.Context) string {
	p := parser{e: s.e, where: isolationProcess} // it reads nothing
	out, err := p.run(ctx, []string{"--rules"}, func(io.Writer) error { return nil }, 1<<10)
	if err != nil {
		return ""
	}
	return readable(strings.TrimSpace(string(out)))
}

// parserLimits are what the parser reads of a directory; package tree, which
// this program does not link, has the same.
func parserLimits() stream.Limits {
	return stream.Limits{Entries: 20_000, Files: 1000, Depth: 32, File: 16 << 20, Total: 64 << 20}
}

// gitsOwn recognises what git itself writes below .git, by its name. Nothing of
// .git is ever signed or installed.
func gitsOwn(p string) bool {
	rest, ok := strings.CutPrefix(p, ".git/")
	return ok && regexp.MustCompile(`^(HEAD|ORIG_HEAD|FETCH_HEAD|index|packed-refs|shallow|description|config|`+
		`(logs/)?refs(/[A-Za-z0-9._/-]+)?|logs/HEAD|logs|branches|hooks|hooks/[a-z-]+\.sample|info|info/(exclude|refs)|`+
		`objects|objects/[0-9a-f]{2}(/[0-9a-f]{38})?|objects/info(/[a-z-]+)?|objects/pack(/pack-[0-9a-f]{40}\.(pack|idx|rev|bitmap|keep))?)$`).MatchString(rest)
}
