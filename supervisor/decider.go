package supervisor

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/control"
	"clawjail/supervisor/notify/rota"
)

// looks is who looks at something in a call, or decides: a person of the console,
// or the user that the kernel saw connect.
func (c *call) looks() approval.By {
	duty := c.s.approvals.rota
	if c.person == nil {
		name := userName(c.peer.UID)
		return approval.By{UID: c.peer.UID, Name: name, Person: duty.Person(name), Login: loginOf(c.peer)}
	}
	by := approval.By{UID: approval.NoAccount, Name: c.who(), Person: c.person.Subject}
	switch {
	case c.person.UID != nil:
		by.UID = *c.person.UID
	case !c.person.NoAccount:
		by.UID = uidOf(duty.Account(c.person.Subject))
	}
	return by
}

// uidOf looks an account up; without one it is nobody's.
func uidOf(account string) uint32 {
	u, err := user.Lookup(account)
	if err != nil || account == "" {
		return approval.NoAccount
	}
	n, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return approval.NoAccount
	}
	return uint32(n)
}

// loginOf gives the account that logged in where root asks: with sudo that is
// somebody. nil: the kernel does not know.
func loginOf(peer control.Peer) *uint32 {
	if peer.UID != 0 {
		return nil
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/loginuid", peer.PID))
	if err != nil {
		return nil
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
	if err != nil || n == math.MaxUint32 || n == 0 {
		return nil
	}
	uid := uint32(n)
	return &uid
}

// decides is who decides about a request in a call, and an error for who may not.
// Anybody who approves may deny.
func (c *call) decides(v approval.View, approve bool) (approval.By, *api.Error) {
	by := c.looks()
	four := c.s.opt.Config.FourEyes || v.Trail.Rule.People > 1
	if four && c.person != nil && by.UID == approval.NoAccount && !c.person.NoAccount {
		why := "hitl.four_eyes is on"
		if v.Trail.Rule.People > 1 {
			why = fmt.Sprintf("%s takes %d different people", v.Trail.Rule.Category, v.Trail.Rule.People)
		}
		return by, api.Errorf(http.StatusForbidden, "%s, and nobody has said which account of this host is %s's", why, c.person.Subject).
			WithHint("an administrator says it: clawjail user role %s --account NAME, or --no-account", c.person.Subject)
	}
	duty := c.s.approvals.rota
	k, ok := duty.Category(v.Gate, v.Op)
	if !ok || len(k.By) == 0 || !approve {
		return by, nil
	}
	who := rota.Who{Person: by.Person, InUnix: func(g string) bool {
		return by.UID != approval.NoAccount && memberOf(control.Peer{UID: by.UID, GID: c.groupOf(by)}, g)
	}}
	in, absent := duty.Member(k.By, who, time.Now())
	if !in {
		return by, api.Errorf(http.StatusForbidden, "%s is in none of the groups that approve %s: %s", by.Name, k.Name, strings.Join(k.By, ", ")).
			WithHint("one of them has to approve request %s; whoever approves may deny it", v.ID)
	}
	by.For = absent
	return by, nil
}

// groupOf is the group that a process of the caller's own carries. A person of the
// console has no process here.
func (c *call) groupOf(by approval.By) uint32 {
	if c.person != nil || by.UID != c.peer.UID {
		return math.MaxUint32
	}
	return c.peer.GID
}

// uidNote tells a uid beside a name in a record; names can be given to others.
func uidNote(by approval.By) string {
	switch {
	case by.UID == approval.NoAccount:
		return ""
	case by.Login != nil && *by.Login != by.UID:
		return fmt.Sprintf(" (uid %d, logged in as %d)", by.UID, *by.Login)
	}
	return fmt.Sprintf(" (uid %d)", by.UID)
}
