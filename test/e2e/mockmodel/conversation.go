package mockmodel

import (
	"encoding/json"
	"regexp"
	"strings"
)

// dialect is one of the three wire formats.
type dialect int

const (
	dialectChat dialect = iota
	dialectResponses
	dialectMessages
)

// synthetic matches the blocks that agents put into user turns by themselves.
var synthetic = regexp.MustCompile(`(?s)<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>.*?<<<END_OPENCLAW_INTERNAL_CONTEXT>>>` +
	`|<system-reminder>.*?</system-reminder>|<environment_context>.*?</environment_context>`)

// fromPerson says whether a user turn holds more than injected context.
func fromPerson(content json.RawMessage) bool {
	return strings.TrimSpace(synthetic.ReplaceAllString(textOf(content), "")) != ""
}

// textOf flattens a content value: a string, or parts with text or content.
func textOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var parts []struct {
		Text    *string         `json:"text"`
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return string(raw)
	}
	var b strings.Builder
	for _, p := range parts {
		if p.Text != nil {
			b.WriteString(*p.Text)
		} else {
			b.WriteString(textOf(p.Content))
		}
	}
	return b.String()
}

// results are the tool results since the last turn that a person wrote.
func (r request) results(d dialect) []string {
	switch d {
	case dialectChat:
		return chatResults(r.Messages)
	case dialectResponses:
		var input []message
		if json.Unmarshal(r.Input, &input) != nil {
			return nil // the input may also be a plain string
		}
		return responsesResults(input)
	default:
		return messagesResults(r.Messages)
	}
}

func chatResults(messages []message) (out []string) {
	for _, m := range messages {
		switch m.Role {
		case "user":
			if fromPerson(m.Content) {
				out = nil
			}
		case "tool":
			out = append(out, textOf(m.Content))
		}
	}
	return out
}

func responsesResults(input []message) (out []string) {
	for _, m := range input {
		switch {
		case m.Role == "user":
			if fromPerson(m.Content) {
				out = nil
			}
		case strings.HasSuffix(m.Type, "_call_output"):
			out = append(out, textOf(m.Output))
		}
	}
	return out
}

func messagesResults(messages []message) (out []string) {
	for _, m := range messages {
		if m.Role != "user" {
			continue
		}
		var parts []message
		found := false
		if json.Unmarshal(m.Content, &parts) == nil {
			for _, p := range parts {
				if p.Type == "tool_result" {
					out, found = append(out, textOf(p.Content)), true
				}
			}
		}
		if !found && fromPerson(m.Content) {
			out = nil
		}
	}
	return out
}
