package limit

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// ErrFile is what a file of limits gives that is damaged beyond a record.
var ErrFile = errors.New("the file of limits is damaged")

// safely does something with the database, whose code panics where a page is not
// what it should be, and is faulted by the kernel where the file has ended.
func safely(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrFile, r)
		}
	}()
	return do()
}
