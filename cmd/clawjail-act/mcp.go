package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"clawjail/supervisor/action/message"
)

// maxFrame bounds one message of the agent.
const maxFrame = 64 << 10

// actionInput are the arguments of check and request.
type actionInput struct {
	Type         string `json:"type" jsonschema:"what is done: send_email, make_payment, delete_file, deploy_code, install_skill, share_data, api_call, write_file, read_file, search_web, or a type of the policy"`
	Description  string `json:"description,omitempty" jsonschema:"what it is, for the human who may have to approve it"`
	Amount       int64  `json:"amount,omitempty" jsonschema:"what it costs, in minor units of the currency: 1250 for 12.50"`
	Currency     string `json:"currency,omitempty" jsonschema:"the ISO 4217 code of the amount's currency, as in USD"`
	Count        int64  `json:"count,omitempty" jsonschema:"how many times it is done, if more than once"`
	Target       string `json:"target,omitempty" jsonschema:"to whom, or to what"`
	PersonalData bool   `json:"personal_data,omitempty" jsonschema:"whether it has personal data in it"`
	Reversible   *bool  `json:"reversible,omitempty" jsonschema:"whether it can be undone"`
}

// reportInput are the arguments of report.
type reportInput struct {
	Token   string `json:"token" jsonschema:"the token that request gave"`
	Outcome string `json:"outcome" jsonschema:"done, failed or dropped"`
	Detail  string `json:"detail,omitempty" jsonschema:"what came of it"`
}

// serveMCP serves the three tools until its input ends.
func serveMCP(in io.Reader, out io.Writer) error {
	t := &mcp.IOTransport{Reader: io.NopCloser(in), Writer: keptOpen{out}, MaxLineLength: maxFrame}
	err := newMCPServer(socketPath).Run(context.Background(), t)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// keptOpen is a writer that is not closed: it is stdout.
type keptOpen struct{ io.Writer }

func (keptOpen) Close() error { return nil }

func newMCPServer(socket string) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "clawjail-act", Version: version}, &mcp.ServerOptions{
		Instructions: "Before anything that leaves a trace in the world (an email, a payment, a deployment, a deletion, sharing data), call request " +
			"and do it only if the verdict is allow or audit, within the time that the token is good for; then call report. What skips this is refused.",
	})
	act := func(do string) mcp.ToolHandlerFor[actionInput, message.Answer] {
		return func(_ context.Context, _ *mcp.CallToolRequest, in actionInput) (*mcp.CallToolResult, message.Answer, error) {
			return answer(socket, message.Request{Do: do, Type: in.Type, Description: in.Description, Amount: in.Amount, Currency: in.Currency,
				Count: in.Count, Target: in.Target, PersonalData: in.PersonalData, Reversible: in.Reversible})
		}
	}
	mcp.AddTool(s, &mcp.Tool{Name: "check", Description: "Say whether an action would be let through. Nothing is counted and nobody is asked.",
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}}, act(message.DoCheck))
	mcp.AddTool(s, &mcp.Tool{Name: "request", Description: "Ask for an action before doing it, and wait for the verdict. A human may have to decide, which can take long."},
		act(message.DoRequest))
	mcp.AddTool(s, &mcp.Tool{Name: "report", Description: "Say what came of an action that was let through."},
		func(_ context.Context, _ *mcp.CallToolRequest, in reportInput) (*mcp.CallToolResult, message.Answer, error) {
			return answer(socket, message.Request{Do: message.DoReport, Token: in.Token, Outcome: in.Outcome, Detail: in.Detail})
		})
	return s
}

// answer asks the supervisor. What is not let through is an error of the tool, so
// that a model does not read past it.
func answer(socket string, r message.Request) (*mcp.CallToolResult, message.Answer, error) {
	a, _, err := exchange(socket, r)
	if err != nil {
		return nil, message.Answer{}, err
	}
	if a.Error != "" {
		return nil, message.Answer{}, errors.New(a.Error)
	}
	words := []string{a.Verdict}
	for _, s := range []string{a.Reason, a.Rule} {
		if s != "" {
			words = append(words, s)
		}
	}
	text := strings.Join(words, ": ")
	if a.Token != "" {
		text += fmt.Sprintf("; token %s, good for %d s", a.Token, a.LeftMS/1000)
	}
	return &mcp.CallToolResult{IsError: !a.Allowed() && r.Do == message.DoRequest, Content: []mcp.Content{&mcp.TextContent{Text: text}}}, a, nil
}
