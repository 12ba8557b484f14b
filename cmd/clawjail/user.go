package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"rsc.io/qr"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/config/source"
	"clawjail/supervisor/gateway/auth/password"
	"clawjail/supervisor/gateway/auth/recovery"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/totp"
)

// users are what the commands below work on.
type users struct {
	e   *env
	dir string
}

func newUserCommand(e *env) *cobra.Command {
	u := &users{e: e}
	c := &cobra.Command{
		Use:   "user",
		Short: "Keep the people who may sign in to the console",
		Long: `user adds, changes and lists the people who may sign in to the web console. There
is nobody until somebody is added here, as root on the host; admins do the rest
in the console. What is changed, here or there, is in the audit log:
clawjail audit query --gate auth

Roles: viewer sees everything; approver decides what is held, too; responder
freezes, thaws, kills and handles incidents, too; admin keeps users, too.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().StringVar(&u.dir, "dir", "", "directory of the users (default: what the configuration says)")
	c.AddCommand(newUserAddCommand(u), newUserListCommand(u), newUserDisableCommand(u), newUserEnableCommand(u), newUserResetCommand(u), newUserRoleCommand(u))
	return c
}

// open opens the store, and makes its directory when it is the default one.
func (u *users) open() (*store.Store, error) {
	if u.dir != "" {
		return store.Open(u.dir)
	}
	f, _, err := source.InForce(u.e.config, nil)
	if err != nil {
		return nil, err
	}
	dir := f.Config.UserDir()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("%w\n  run the command with sudo", err)
	}
	if err := os.Mkdir(dir, 0o700); err == nil {
		err = os.Chown(dir, int(f.Config.AuthUID), int(f.Config.AuthGID))
		if err != nil {
			return nil, err
		}
	} else if !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w\n  run the command with sudo", err)
	}
	s, err := store.Open(dir)
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w\n  run the command with sudo", err)
	}
	return s, err
}

// accountFlags say which account of this host is a person's.
type accountFlags struct {
	account string
	none    bool
}

func (f *accountFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.account, "account", "", "the person's account on this host: who started a jail may not approve for it (hitl.four_eyes)")
	c.Flags().BoolVar(&f.none, "no-account", false, "the person has none, and so started no jail")
	c.MarkFlagsMutuallyExclusive("account", "no-account")
}

func (f *accountFlags) apply(to *store.User) error {
	if f.none {
		to.UID, to.NoAccount = nil, true
	}
	if f.account == "" {
		return nil
	}
	a, err := user.Lookup(f.account)
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(a.Uid, 10, 32)
	if err != nil {
		return err
	}
	id := uint32(uid)
	to.UID, to.NoAccount = &id, false
	return nil
}

func newUserAddCommand(u *users) *cobra.Command {
	var role string
	var account accountFlags
	var stdin, noCode, change bool
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Add somebody who may sign in",
		Long: `add asks for a password, and prints the secret for the person's authenticator and
recovery codes, each of which counts once. They are shown now and never again.`,
		Example: `  sudo clawjail user add alice --role admin
  sudo clawjail user add bob --role approver --account bob`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			n := store.User{Name: args[0], Role: assert.Role(role), Initial: change, Created: time.Now(), Handle: make([]byte, 32)}
			rand.Read(n.Handle) // never fails: crypto/rand since Go 1.24
			if err := store.CheckName(n.Name); err != nil {
				return err
			}
			if noCode && n.Role == assert.Admin {
				return errors.New("an admin needs a second factor: leave --no-authenticator out")
			}
			if err := account.apply(&n); err != nil {
				return err
			}
			s, err := u.open()
			if err != nil {
				return err
			}
			if _, err := s.Get(n.Name); err == nil {
				return fmt.Errorf("there is a user %q already\n  to give them a new password: clawjail user reset %s", n.Name, n.Name)
			}
			codes, err := u.credentials(&n, stdin, noCode)
			if err != nil {
				return err
			}
			if err := s.Update(func(all []store.User) ([]store.User, error) { return append(all, n), nil }); err != nil {
				return err
			}
			u.record(s, api.PersonAdd, n.Name, "is "+string(n.Role))
			return u.tell(n, codes)
		},
	}
	c.Flags().StringVar(&role, "role", string(assert.Viewer), "one of "+strings.Join(assert.Roles(), ", "))
	account.register(c)
	registerCredentials(c, &stdin, &noCode, &change)
	return c
}

func registerCredentials(c *cobra.Command, stdin, noCode, change *bool) {
	c.Flags().BoolVar(stdin, "password-stdin", false, "read the password from standard input instead of asking")
	c.Flags().BoolVar(change, "change-password", false, "the password is not the person's own: they choose another when they sign in, before anything else")
	c.Flags().BoolVar(noCode, "no-authenticator", false, "a password alone is enough; not for admins")
}

// credentials gives a user a password, and unless noCode an authenticator and
// recovery codes, which it returns.
func (u *users) credentials(n *store.User, stdin, noCode bool) (codes []string, err error) {
	pass, err := u.askPassword(stdin)
	if err != nil {
		return nil, err
	}
	if err := u.e.weak(pass, n.Name); err != nil {
		return nil, err
	}
	if n.Password, err = password.Hash(pass); err != nil {
		return nil, err
	}
	n.Changed, n.TOTP, n.TOTPLast, n.Recovery, n.Passkeys, n.Sessions = time.Now(), "", 0, nil, nil, nil
	if noCode {
		return nil, nil
	}
	n.TOTP = totp.NewSecret()
	codes, n.Recovery = recovery.Codes()
	return codes, nil
}

func (u *users) askPassword(stdin bool) (string, error) {
	in, terminal := u.e.stdin.(*os.File)
	if stdin || !terminal || !term.IsTerminal(int(in.Fd())) {
		if !stdin {
			return "", errors.New("there is no terminal to ask for the password; give --password-stdin")
		}
		line, err := bufio.NewReader(io.LimitReader(u.e.stdin, password.MaxLength+2)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	fmt.Fprint(u.e.stderr, "Password: ")
	a, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprint(u.e.stderr, "\nAgain: ")
	if err != nil {
		return "", err
	}
	b, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(u.e.stderr)
	if err == nil && string(a) != string(b) {
		err = errors.New("the two passwords are not the same")
	}
	return string(a), err
}

// tell prints what the person needs, once.
func (u *users) tell(n store.User, codes []string) error {
	fmt.Fprintf(u.e.stdout, "%s is %s\n", n.Name, n.Role)
	if n.TOTP == "" {
		return nil
	}
	address := totp.URL("clawjail", n.Name, n.TOTP)
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		return err
	}
	fmt.Fprintf(u.e.stdout, "\nScan this with an authenticator, or type its secret: %s\n\n%s\n%s\n\n", n.TOTP, blocks(code), address)
	fmt.Fprintln(u.e.stdout, "Recovery codes. Each signs in once when the authenticator is lost; print them:")
	for _, c := range codes {
		fmt.Fprintln(u.e.stdout, "  "+c)
	}
	return nil
}

// blocks draws a code with two of its rows on each line, and the light border
// that readers need. It is dark on light, whatever the terminal is.
func blocks(c *qr.Code) string {
	const border = 2
	var b strings.Builder
	for y := -border; y < c.Size+border; y += 2 {
		b.WriteString("\x1b[30;47m")
		for x := -border; x < c.Size+border; x++ {
			switch top, bottom := c.Black(x, y), c.Black(x, y+1); {
			case top && bottom:
				b.WriteRune('█')
			case top:
				b.WriteRune('▀')
			case bottom:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}

// listed is one line of `user list -o json`: nothing that signs in.
type listed struct {
	Name      string      `json:"name"`
	Role      assert.Role `json:"role"`
	Disabled  bool        `json:"disabled"`
	TOTP      bool        `json:"authenticator"`
	Passkeys  int         `json:"passkeys"`
	Recovery  int         `json:"recovery_codes_left"`
	Sessions  int         `json:"sessions"`
	UID       *uint32     `json:"uid,omitempty"`
	NoAccount bool        `json:"no_account,omitempty"`
	Initial   bool        `json:"must_change_password,omitempty"`
	Created   time.Time   `json:"created"`
	LastSeen  *time.Time  `json:"last_seen,omitempty"`
}

func newUserListCommand(u *users) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "list",
		Short: "List who may sign in",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			s, err := u.open()
			if err != nil {
				return err
			}
			all, err := s.List()
			if err != nil {
				return err
			}
			list := []listed{}
			for _, n := range all {
				l := listed{Name: n.Name, Role: n.Role, Disabled: n.Disabled, TOTP: n.TOTP != "", Passkeys: len(n.Passkeys), Recovery: len(n.Recovery), UID: n.UID, NoAccount: n.NoAccount, Initial: n.Initial, Created: n.Created}
				for _, x := range n.Sessions {
					if n.Session(x.ID, time.Now()) != nil {
						l.Sessions++
					}
					if l.LastSeen == nil || x.Used.After(*l.LastSeen) {
						l.LastSeen = &x.Used
					}
				}
				list = append(list, l)
			}
			if output == "json" {
				return json.NewEncoder(u.e.stdout).Encode(list)
			}
			return u.table(list)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": one list")
	return c
}

func (u *users) table(list []listed) error {
	if len(list) == 0 {
		fmt.Fprintln(u.e.stderr, "nobody may sign in; add the first: sudo clawjail user add NAME --role admin")
		return nil
	}
	w := tabwriter.NewWriter(u.e.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tROLE\tSTATE\tAUTHENTICATOR\tPASSKEYS\tRECOVERY\tSESSIONS\tACCOUNT")
	for _, l := range list {
		state, code, account := "active", "no", "not known"
		switch {
		case l.Disabled:
			state = "disabled"
		case l.Initial:
			state = "first password"
		}
		if l.TOTP {
			code = "yes"
		}
		if l.NoAccount {
			account = "none"
		}
		if l.UID != nil {
			account = "uid " + strconv.FormatUint(uint64(*l.UID), 10)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", l.Name, l.Role, state, code, l.Passkeys, l.Recovery, l.Sessions, account)
	}
	return w.Flush()
}

func newUserDisableCommand(u *users) *cobra.Command {
	return u.changeCommand(api.PersonDisable, "disable NAME", "Let somebody not sign in any more, and end their sessions", `disable ends all sessions at once and refuses new ones. What the person decided
before stands.`, func(n *store.User) (string, error) {
		n.Disabled = true
		n.EndSession("")
		return "is disabled", nil
	})
}

func newUserEnableCommand(u *users) *cobra.Command {
	return u.changeCommand(api.PersonEnable, "enable NAME", "Let somebody sign in again", "", func(n *store.User) (string, error) {
		n.Disabled = false
		return "may sign in", nil
	})
}

func (u *users) changeCommand(op, use, short, long string, fn func(*store.User) (string, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		s, err := u.open()
		if err != nil {
			return err
		}
		var said string
		if err := s.Change(args[0], func(n *store.User) (err error) { said, err = fn(n); return err }); err != nil {
			return err
		}
		u.record(s, op, args[0], "")
		fmt.Fprintln(u.e.stdout, args[0], said)
		return nil
	}}
}

func newUserRoleCommand(u *users) *cobra.Command {
	var account accountFlags
	c := &cobra.Command{
		Use:   "role NAME [ROLE]",
		Short: "Change what somebody may do",
		Long: `role changes a person's role, which counts at once, and which account of this host
is theirs. Whoever becomes admin without a second factor cannot sign in until
clawjail user reset made one.`,
		Example: `  sudo clawjail user role bob responder
  sudo clawjail user role bob --account bob`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := u.open()
			if err != nil {
				return err
			}
			var role assert.Role
			err = s.Change(args[0], func(n *store.User) error {
				if len(args) == 2 {
					n.Role, n.Changed = assert.Role(args[1]), time.Now()
				}
				role = n.Role
				return account.apply(n)
			})
			if err == nil {
				u.record(s, api.PersonRole, args[0], "is "+string(role))
				fmt.Fprintln(u.e.stdout, args[0], "is", role)
			}
			return err
		},
	}
	account.register(c)
	return c
}

func newUserResetCommand(u *users) *cobra.Command {
	var stdin, noCode, change bool
	c := &cobra.Command{
		Use:   "reset NAME",
		Short: "Give somebody a new password, authenticator and recovery codes",
		Long: `reset makes everything new that signs a person in, forgets their passkeys and
ends their sessions: for who lost it, and for who may have lost it to others.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := u.open()
			if err != nil {
				return err
			}
			n, err := s.Get(args[0])
			if err != nil {
				return err
			}
			if noCode && n.Role == assert.Admin {
				return errors.New("an admin needs a second factor: leave --no-authenticator out")
			}
			codes, err := u.credentials(&n, stdin, noCode)
			if err != nil {
				return err
			}
			err = s.Change(n.Name, func(to *store.User) error {
				to.Password, to.TOTP, to.TOTPLast, to.Recovery, to.Passkeys, to.Changed = n.Password, n.TOTP, 0, n.Recovery, nil, n.Changed
				to.Initial = change
				to.EndSession("")
				return nil
			})
			if err != nil {
				return err
			}
			u.record(s, api.PersonReset, n.Name, "")
			return u.tell(n, codes)
		},
	}
	registerCredentials(c, &stdin, &noCode, &change)
	return c
}
