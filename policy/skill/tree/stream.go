package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"clawjail/policy/skill"
	"clawjail/policy/skill/stream"
)

// StreamLimits are the limits of a stream.Walk whose stream is for ReadStream.
func StreamLimits() stream.Limits {
	return stream.Limits{Entries: MaxEntries, Files: MaxFiles, Depth: MaxDepth, File: MaxFile, Total: MaxTotal}
}

// ReadStream reads the skill in a stream: what ReadOpen would read of the
// directory that the stream was made of. The error is about the stream itself.
func ReadStream(ctx context.Context, s *stream.Reader) (skill.Tree, error) {
	r := newReader(ctx, s.Name)
	for {
		e, err := s.Next()
		if errors.Is(err, io.EOF) {
			return r.done(), nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return skill.Tree{}, fmt.Errorf("read skill %q: %w", s.Name, err)
		}
		r.streamed(e)
	}
}

// streamed takes one entry of a stream.
func (r *reader) streamed(e stream.Entry) {
	switch {
	case e.Kind == stream.Limit && e.State == stream.TooDeep:
		r.once("depth", "CJS-FILE-005", e.Path, "directories nested deeper than "+strconv.Itoa(MaxDepth)+": not read").Severity = skill.High
		return
	case e.Kind == stream.Limit:
		r.once("entries", "CJS-FILE-005", e.Path, "more than "+strconv.Itoa(MaxEntries)+" names: the others were not looked at").Severity = skill.High
		return
	case !r.name(e.Path, false):
		return
	case e.State == stream.Unreadable:
		r.unreadable(e.Path, fs.ErrPermission)
		return
	}
	r.mode(e.Path, e.Mode)
	f := skill.File{Path: e.Path, Mode: e.Mode, Size: e.Size}
	switch e.Kind {
	case stream.Link:
		f.Link = e.Target
		r.link("", e.Path, e.Target)
		if r.room(e.Path, 0) {
			r.tree.Files = append(r.tree.Files, f)
		}
	case stream.File:
		r.streamedFile(f, e)
	case stream.Special:
		r.problem("CJS-FILE-008", e.Path, "device, fifo or socket: not opened", e.Mode.String())
	}
}

func (r *reader) streamedFile(f skill.File, e stream.Entry) {
	r.hardLink(e.Path, e.Inode, e.Links)
	if !r.room(e.Path, e.Size) {
		if len(r.tree.Files) < MaxFiles+r.members {
			r.tree.Files = append(r.tree.Files, f)
		}
		return
	}
	if e.State != stream.Read || int64(len(e.Data)) != e.Size {
		r.changed(e.Path)
	}
	f.Data = e.Data
	r.add(f, 0)
}
