//go:build kernel

package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/policy"
)

// A caller who is not root gets nothing shown by root that is closed to the
// caller, and nothing made where the caller may not make it.
func TestCallerIsNotRoot(t *testing.T) {
	const uid = 64998
	base, err := os.MkdirTemp("/srv", "clawjail-caller-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	at := func(name string) string { return filepath.Join(base, name) }
	for _, err := range []error{
		os.Chmod(base, 0o755),
		os.Mkdir(at("ws"), 0o700), os.Chown(at("ws"), uid, uid),
		os.Mkdir(at("closed"), 0o700), os.Mkdir(at("closed/shared"), 0o777), os.WriteFile(at("closed/note"), nil, 0o644),
		os.Mkdir(at("rootgroup"), 0o750), os.Mkdir(at("rootgroup/x"), 0o777),
		os.Mkdir(at("open"), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(caller uint32, files ...policy.File) error {
		p := &policy.Policy{Version: 1, Name: "x", Limits: policy.DefaultLimits(), Approval: policy.DefaultApproval(), Exec: policy.Exec{Default: policy.Audit},
			Files: append([]policy.File{{Path: at("ws"), Access: policy.AccessWrite, Write: policy.Allow}}, files...)}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		r := run(debian())
		r.Workspace, r.Stat = at("ws"), Host
		r.User.UID, r.User.GID, r.User.Home = uid, uid, at("home")
		_, err := LowerFor(caller, p, r)
		return err
	}
	read := func(name string) policy.File { return policy.File{Path: at(name), Access: policy.AccessRead} }
	create := func(name string) policy.File {
		return policy.File{Path: at(name), Access: policy.AccessWrite, Write: policy.Allow, Create: true}
	}
	for what, c := range map[string]struct {
		caller uint32
		file   policy.File
		want   string
	}{
		"what is open":                         {uid, read("open"), ""},
		"a file in a closed directory":         {uid, read("closed/note"), "permission denied"},
		"a writable directory in a closed one": {uid, policy.File{Path: at("closed/shared"), Access: policy.AccessWrite, Write: policy.Allow}, "permission denied"},
		"what root's group may reach":          {uid, read("rootgroup/x"), "permission denied"},
		"a directory below the own":            {uid, create("ws/new/er"), ""},
		"a directory below another's":          {uid, create("open/new"), "is not yours"},
		"root may have it shown":               {0, read("closed/note"), ""},
		"root may have it made":                {0, create("open/new"), ""},
		"somebody else's jail":                 {uid + 1, read("open"), "cannot have a jail made for user"},
	} {
		err := run(c.caller, c.file)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The rest of the process keeps its rights.
	if err := unix.Access(at("closed/note"), unix.R_OK); err != nil {
		t.Error(err)
	}
	if _, err := os.Open(at("closed/note")); err != nil {
		t.Error(err)
	}
}
