package wire

import (
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

// object is the committed object whose event struct is decoded here.
const object = "../core_x86_bpfel.o"

func loadTypes(t *testing.T) *btf.Spec {
	t.Helper()
	spec, err := ebpf.LoadCollectionSpec(object)
	if err != nil {
		t.Fatal(err)
	}
	return spec.Types
}

// The offsets are written down once in C and once in Go, and held together here.
func TestLayoutIsTheObjects(t *testing.T) {
	var event *btf.Struct
	if err := loadTypes(t).TypeByName("event", &event); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{"(size)": int(event.Size)}
	for _, m := range event.Members {
		got[m.Name] = int(m.Offset.Bytes())
	}
	want := map[string]int{
		"(size)": HeaderSize,
		"time":   offTime, "jail": offJail, "cgroup": offCgroup, "start": offStart, "dev": offDev, "ino": offIno,
		"size": offSize, "exec_count": offExecCount, "pid": offPid, "tid": offTid, "ppid": offPpid, "uid": offUID,
		"ret": offRet, "exit_code": offExitCode, "flags": offFlags, "marks": offMarks,
		"base_len": offBaseLen, "text_len": offTextLen, "base2_len": offBase2Len, "text2_len": offText2Len,
		"argv_len": offArgvLen, "family": offFamily, "port": offPort, "addr": offAddr,
		"class": offClass, "proto": offProto, "version": offVersion, "pad": offPad, "comm": offComm,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("struct event (-decoder +object):\n%s", d)
	}
}

func TestClassesAndMarksAreTheObjects(t *testing.T) {
	types := loadTypes(t)
	var class, mark, reason *btf.Enum
	if err := types.TypeByName("class", &class); err != nil {
		t.Fatal(err)
	}
	if err := types.TypeByName("mark", &mark); err != nil {
		t.Fatal(err)
	}
	if err := types.TypeByName("reason", &reason); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]uint64)
	for _, v := range slices.Concat(class.Values, mark.Values, reason.Values) {
		got[v.Name] = v.Value
	}
	want := map[string]uint64{
		"CLASS_MAX":       16,
		"MARK_PATH_EXACT": markPathExact, "MARK_PATH_TRUNCATED": markPathTruncated,
		"MARK_ARGV_TRUNCATED": markArgvTruncated, "MARK_DIR": markDir, "MARK_DENIED": markDenied, "MARK_KILLED": markKilled,
	}
	for r := range numReasons {
		want["REASON_"+strings.ToUpper(Reason(r).String())] = uint64(r)
	}
	for c := Class(1); int(c) < NumClasses; c++ {
		want["CLASS_"+strings.ToUpper(c.String())] = uint64(c)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("enums (-decoder +object):\n%s", d)
	}
	if marksEnd != markKilled<<1 {
		t.Errorf("marksEnd is %d", marksEnd)
	}
}
