package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/client"
	"clawjail/supervisor/gateway/auth/store"
)

// recordTime bounds the wait for the supervisor, which writes the log.
const recordTime = 10 * time.Second

// record has a change of a user recorded, and says when it is not: root could
// have written the file as well. Users in another directory are no host's.
func (u *users) record(s *store.Store, op, name, message string) {
	u.warnAlone(s)
	if u.dir != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTime)
	defer cancel()
	e := api.PersonEvent{Time: time.Now(), Op: op, Verdict: "allow", Name: name, By: fmt.Sprintf("uid %d (command line)", os.Getuid()), Message: message}
	err := client.Client{Socket: u.e.socket}.RecordPeople(ctx, []api.PersonEvent{e})
	switch {
	case isNotRunning(err):
		fmt.Fprintln(u.e.stderr, "clawjail: no supervisor runs, so the audit log does not have this")
	case err != nil:
		fmt.Fprintln(u.e.stderr, "clawjail: the audit log does not have this:", err)
	}
}

// warnAlone says when nobody is left who keeps users in the console. Here that
// is no reason to refuse: root can always make another.
func (u *users) warnAlone(s *store.Store) {
	all, err := s.List()
	if err == nil && !slices.ContainsFunc(all, func(n store.User) bool { return n.Role == assert.Admin && !n.Disabled && n.SecondFactor() }) {
		fmt.Fprintln(u.e.stderr, "clawjail: nobody can keep users in the console: there is no admin who can sign in")
	}
}
