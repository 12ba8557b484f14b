package container

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runc/libcontainer/configs"

	"clawjail/jail"
	"clawjail/jail/shim/protocol"
)

func TestMappings(t *testing.T) {
	uids, gids := mappings(jail.User{UID: 1000, GID: 100, Groups: []uint32{100, 7, 7}})
	one := func(inside, outside int64) configs.IDMap {
		return configs.IDMap{ContainerID: inside, HostID: outside, Size: 1}
	}
	if diff := cmp.Diff([]configs.IDMap{one(0, RootID), one(1000, 1000)}, uids); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]configs.IDMap{one(0, RootID), one(100, 100), one(7, 7)}, gids); diff != "" {
		t.Error(diff)
	}
}

// No account, range of subordinate ids or container id may be RootID.
func TestRootIDIsNobodys(t *testing.T) {
	for _, name := range []string{"/etc/passwd", "/etc/group", "/etc/subuid", "/etc/subgid"} {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for _, n := range regexp.MustCompile(`\d+`).FindAllString(string(b), -1) {
			if id, _ := strconv.ParseUint(n, 10, 64); id == RootID {
				t.Errorf("%s names %d", name, id)
			}
		}
	}
	if RootID >= 1<<31 {
		t.Error("some programs keep ids in an int")
	}
}

func TestShimEnvironmentIsOneName(t *testing.T) {
	if ShimEnv != protocol.ShimEnv+"=1" {
		t.Errorf("C says %s, the protocol %s", ShimEnv, protocol.ShimEnv)
	}
}

func TestLowered(t *testing.T) {
	c := Config{User: jail.User{UID: 1, GID: 1}, UserNS: true, Limits: jail.Limits{MemoryBytes: 1, CPUs: 0.001, Pids: 5}}.lower()
	if c.Cgroups.CpuQuota != 1000 || c.Cgroups.CpuPeriod != 100000 || *c.Cgroups.PidsLimit != 5 || c.Cgroups.Memory != 1 {
		t.Errorf("%+v", c.Cgroups.Resources)
	}
	if !c.NoNewPrivileges || len(c.Capabilities.Bounding)+len(c.Capabilities.Permitted) != 0 {
		t.Error("privileges left")
	}
	for _, want := range []configs.NamespaceType{
		configs.NEWNS, configs.NEWIPC, configs.NEWUTS, configs.NEWCGROUP, configs.NEWNET, configs.NEWPID, configs.NEWUSER,
	} {
		if !c.Namespaces.Contains(want) {
			t.Errorf("no %s namespace", want)
		}
	}
	for _, r := range c.Cgroups.Devices {
		if r.Allow && (r.Type != 'c' || r.Permissions != "rw") {
			t.Errorf("device rule %+v", r)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	if _, err := Create(Config{NetNS: "x", PidNS: "x"}); err == nil {
		t.Error("root")
	}
	if _, err := Create(Config{User: jail.User{UID: 1, GID: 1}}); err == nil {
		t.Error("the host's network")
	}
}
