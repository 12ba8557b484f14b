package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"clawjail/audit/escape"
	"clawjail/supervisor/action/message"
)

// version is set by the linker.
var version = "dev"

// socketPath is where every jail has its socket.
const socketPath = "/run/clawjail/action.sock"

// maxAnswer bounds an answer.
const maxAnswer = 64 << 10

const usage = `clawjail-act says what is about to be done, and waits for the verdict.

  clawjail-act check TYPE [flags]              would it pass?
  clawjail-act request TYPE [flags]            may it be done? prints the token
  clawjail-act report TOKEN done|failed|dropped [--detail TEXT]
  clawjail-act mcp                             the same as an MCP server on stdin and stdout
  clawjail-act --version

Types that every policy knows: api_call, delete_file, deploy_code, install_skill,
make_payment, read_file, search_web, send_email, share_data, write_file.

  clawjail-act request send_email --target ada@example.org --description "the report"
  clawjail-act request make_payment --amount 1250 --currency USD --target shop

Flags of check and request:
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs one command line and gives its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	switch verb {
	case "check", "request", "report":
		r, asJSON, err := parse(verb, args[1:], stderr)
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		if err != nil {
			fmt.Fprintf(stderr, "clawjail-act: %v\n", err)
			return 2
		}
		return ask(r, asJSON, stdout, stderr)
	case "mcp":
		if err := serveMCP(stdin, stdout); err != nil {
			fmt.Fprintf(stderr, "clawjail-act: %v\n", err)
			return 125
		}
		return 0
	case "--version":
		fmt.Fprintln(stdout, version)
		return 0
	case "-h", "--help", "help":
		fmt.Fprint(stdout, usage)
		flags(&message.Request{}, stdout).PrintDefaults()
		return 0
	}
	fmt.Fprint(stderr, usage)
	flags(&message.Request{}, stderr).PrintDefaults()
	return 2
}

// flags are those of check and request.
func flags(r *message.Request, out io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("clawjail-act", flag.ContinueOnError)
	f.SetOutput(out)
	f.Usage = func() { fmt.Fprint(out, usage); f.PrintDefaults() }
	f.StringVar(&r.Description, "description", "", "what it is, for a human; shown as a claim")
	f.Int64Var(&r.Amount, "amount", 0, "what it costs, in minor units: 1250 for 12.50")
	f.StringVar(&r.Currency, "currency", "", "the currency of amount, as in USD")
	f.Int64Var(&r.Count, "count", 0, "how many times it is done")
	f.StringVar(&r.Target, "target", "", "to whom, or to what")
	f.BoolVar(&r.PersonalData, "personal-data", false, "it has personal data in it")
	return f
}

// parse reads a command line. Flags may stand before and behind the words.
func parse(verb string, args []string, stderr io.Writer) (r message.Request, asJSON bool, err error) {
	r.Do = verb
	f := flags(&r, stderr)
	f.BoolVar(&asJSON, "json", false, "print the answer as JSON")
	f.Func("reversible", "yes or no: whether it can be undone", func(s string) error {
		if s != "yes" && s != "no" {
			return errors.New("yes or no")
		}
		yes := s == "yes"
		r.Reversible = &yes
		return nil
	})
	f.StringVar(&r.Detail, "detail", "", "of a report: what came of it")
	var words []string
	for {
		if err := f.Parse(args); err != nil {
			return r, asJSON, err
		}
		if f.NArg() == 0 {
			break
		}
		words = append(words, f.Arg(0))
		args = f.Args()[1:]
	}
	want := 1
	if verb == "report" {
		want = 2
	}
	if len(words) != want {
		return r, asJSON, fmt.Errorf("%s takes %d words, not %d; see clawjail-act --help", verb, want, len(words))
	}
	if verb == "report" {
		r.Token, r.Outcome = words[0], words[1]
	} else {
		r.Type = words[0]
	}
	return r, asJSON, nil
}

// ask sends a request and prints the answer.
func ask(r message.Request, asJSON bool, stdout, stderr io.Writer) int {
	a, line, err := exchange(socketPath, r)
	if err != nil {
		fmt.Fprintf(stderr, "clawjail-act: %v\n", err)
		return 125
	}
	if asJSON {
		fmt.Fprintf(stdout, "%s", line)
	} else {
		show(a, r, stdout, stderr)
	}
	switch {
	case a.Error != "":
		return 2
	case a.Allowed():
		return 0
	}
	return 1
}

// show prints the token on stdout, where a script takes it from, and the rest on
// stderr; of a check the verdict is what is asked for.
func show(a message.Answer, r message.Request, stdout, stderr io.Writer) {
	if a.Error != "" {
		fmt.Fprintf(stderr, "clawjail-act: %s\n", escape.String(a.Error))
		return
	}
	words := []string{a.Verdict}
	for _, s := range []string{a.Reason, a.Rule} {
		if s != "" {
			words = append(words, escape.String(s))
		}
	}
	text := strings.Join(words, ": ")
	switch {
	case a.Token != "":
		fmt.Fprintln(stdout, a.Token)
		fmt.Fprintf(stderr, "%s; good for %ds\n", text, a.LeftMS/1000)
	case r.Do == message.DoCheck:
		fmt.Fprintln(stdout, text)
	default:
		fmt.Fprintln(stderr, text)
	}
}

// exchange sends one request and waits for its answer, however long a human
// takes.
func exchange(socket string, r message.Request) (message.Answer, []byte, error) {
	line, err := message.Encode(r)
	if err != nil {
		return message.Answer{}, nil, err
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		return message.Answer{}, nil, fmt.Errorf("reach the action socket: %w\n  it is there in a jail of clawjail only", err)
	}
	defer c.Close()
	if _, err := c.Write(line); err != nil {
		return message.Answer{}, nil, fmt.Errorf("send the request: %w", err)
	}
	answer, err := bufio.NewReader(io.LimitReader(c, maxAnswer)).ReadBytes('\n')
	if err != nil {
		return message.Answer{}, nil, fmt.Errorf("the supervisor did not answer: %w", err)
	}
	a, err := message.DecodeAnswer(answer)
	return a, answer, err
}
