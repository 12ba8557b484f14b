package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"clawjail/supervisor/action/message"
)

// jail answers every request with what is given, and keeps what was asked.
func jail(t *testing.T, give func(message.Request) message.Answer) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, err := bufio.NewReader(c).ReadBytes('\n')
			if err == nil {
				a := message.Answer{}
				if r, err := message.DecodeRequest(line); err != nil {
					a.Error = err.Error()
				} else {
					a = give(r)
				}
				b, _ := message.Encode(a)
				_, _ = c.Write(b)
			}
			_ = c.Close()
		}
	}()
	return socket
}

func verdicts(r message.Request) message.Answer {
	switch {
	case r.Do == message.DoReport:
		return message.Answer{Verdict: "allow", Reason: "on record"}
	case r.Type == "send_email":
		return message.Answer{Verdict: "allow", Token: "tok", LeftMS: 300_000}
	}
	return message.Answer{Verdict: "deny", Reason: "denied: rejected"}
}

func TestParse(t *testing.T) {
	tests := []struct {
		args []string
		want string // JSON of the request, or an error
	}{
		{[]string{"request", "send_email", "--target", "a@example.org", "--reversible=no"}, `{"do":"request","type":"send_email","target":"a@example.org","reversible":false}`},
		{[]string{"check", "--amount", "5", "--currency", "USD", "make_payment"}, `{"do":"check","type":"make_payment","amount":5,"currency":"USD"}`},
		{[]string{"report", "tok", "done", "--detail", "x"}, `{"do":"report","token":"tok","outcome":"done","detail":"x"}`},
		{[]string{"report", "tok"}, "takes 2 words, not 1"},
		{[]string{"request"}, "takes 1 words, not 0"},
		{[]string{"request", "a", "b"}, "takes 1 words, not 2"},
		{[]string{"request", "x", "--amount", "1.5"}, "invalid value"},
		{[]string{"request", "x", "--reversible", "maybe"}, "yes or no"},
	}
	for _, tt := range tests {
		r, _, err := parse(tt.args[0], tt.args[1:], &bytes.Buffer{})
		b, _ := json.Marshal(r)
		if got := string(b); err == nil && got != tt.want || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %s, %v", tt.args, got, err)
		}
	}
}

func TestExchange(t *testing.T) {
	socket := jail(t, verdicts)
	a, _, err := exchange(socket, message.Request{Do: "request", Type: "send_email"})
	if err != nil || a.Token != "tok" {
		t.Errorf("%+v, %v", a, err)
	}
	var out, errs bytes.Buffer
	show(a, message.Request{Do: "request"}, &out, &errs)
	if out.String() != "tok\n" || errs.String() != "allow; good for 300s\n" {
		t.Errorf("%q, %q", out.String(), errs.String())
	}
	if _, _, err := exchange(filepath.Join(t.TempDir(), "none"), message.Request{Do: "check", Type: "x"}); err == nil || !strings.Contains(err.Error(), "in a jail of clawjail only") {
		t.Error(err)
	}
	if code := run([]string{"approve"}, nil, &out, &errs); code != 2 {
		t.Errorf("an unknown verb exits with %d", code)
	}
}

// TestMCP: the tools as a client of the SDK sees them.
func TestMCP(t *testing.T) {
	mine, theirs := mcp.NewInMemoryTransports()
	server, err := newMCPServer(jail(t, verdicts)).Connect(t.Context(), theirs, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), mine, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) != 3 {
		t.Fatalf("%+v, %v", tools, err)
	}
	tests := []struct {
		tool string
		args map[string]any
		bad  bool
		want string
	}{
		{"check", map[string]any{"type": "make_payment"}, false, "deny"},
		{"request", map[string]any{"type": "send_email", "target": "a@example.org"}, false, "token tok, good for 300 s"},
		{"request", map[string]any{"type": "make_payment", "amount": 5, "currency": "USD"}, true, "denied: rejected"},
		{"request", map[string]any{"type": "make_payment", "amount": 5}, true, "amount and currency go together"},
		{"request", map[string]any{"type": "make_payment", "amount": -5, "currency": "USD"}, true, "negative"},
		{"request", map[string]any{"type": "make_payment", "amount": 1.5, "currency": "USD"}, true, ""},
		{"request", map[string]any{}, true, "type"},
		{"report", map[string]any{"token": "tok", "outcome": "done"}, false, "on record"},
		{"report", map[string]any{"token": "tok", "outcome": "approved"}, true, "a report has the token"},
	}
	for _, tt := range tests {
		r, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tt.tool, Arguments: tt.args})
		text := ""
		bad := err != nil
		if err == nil {
			bad = r.IsError
			for _, c := range r.Content {
				if x, ok := c.(*mcp.TextContent); ok {
					text += x.Text
				}
			}
		} else {
			text = err.Error()
		}
		if bad != tt.bad || !strings.Contains(text, tt.want) {
			t.Errorf("%s %v: error %v, %q", tt.tool, tt.args, bad, text)
		}
	}
}
