package keeper

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"clawjail/jail/shim/protocol"
	"clawjail/jail/stage"
)

// exitCannotStart is the status for "clawjail could not start it".
const exitCannotStart = 125

// stageError is what the stage reported.
type stageError struct{ m stage.Message }

func (e *stageError) Error() string {
	if e.m.Path == "" {
		return e.m.Op + ": " + e.m.Msg
	}
	return fmt.Sprintf("%s %q: %s", e.m.Op, e.m.Path, e.m.Msg)
}

// failure turns an error into the answer to a request.
func failure(id uint32, err error) protocol.Message {
	f := &protocol.Failure{Op: "create", Exit: exitCannotStart, Msg: err.Error()}
	var errno unix.Errno
	if errors.As(err, &errno) {
		f.Errno = int(errno)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		f.Path = path.Path
	}
	var stage *stageError
	if errors.As(err, &stage) {
		f = &protocol.Failure{
			Op: stage.m.Op, Path: stage.m.Path, Errno: stage.m.Errno, Exit: stage.m.Exit, Msg: err.Error(),
		}
	}
	if f.Exit == 0 {
		f.Exit = exitCannotStart
	}
	return protocol.Message{ID: id, Type: protocol.Error, Failure: f}
}
