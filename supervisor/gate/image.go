package gate

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// image tells one execution of a process from the next: where the kernel put
// its arguments, which it chooses anew each time.
type image struct{ argStart, envEnd string }

// imageOf reads it from /proc/PID/stat: fields 48 and 51, fs/proc/array.c:do_task_stat.
func imageOf(tgid int32) (image, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(int(tgid)) + "/stat")
	if err != nil {
		return image{}, err
	}
	// The second field is the program's name, which may hold anything; what
	// follows its last parenthesis is numbers.
	i := bytes.LastIndexByte(b, ')')
	fields := bytes.Fields(b[i+1:])
	const argStart, envEnd = 48 - 3, 51 - 3 // field 3 is fields[0]
	if i < 0 || len(fields) <= envEnd {
		return image{}, fmt.Errorf("/proc/%d/stat has %d fields", tgid, len(fields))
	}
	return image{string(fields[argStart]), string(fields[envEnd])}, nil
}
