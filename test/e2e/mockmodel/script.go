package mockmodel

import (
	"encoding/json"
	"slices"
	"strings"
)

// Step is one reply. Exactly one of Shell, Tool and Text is used, in this order.
type Step struct {
	// Shell calls the first offered tool that runs shell commands.
	Shell string `json:"shell,omitempty"`
	// Tool names tools in order of preference; Args are its arguments.
	Tool []string       `json:"tool,omitempty"`
	Args map[string]any `json:"args,omitempty"`
	// Text ends the turn. {LAST} stands for the last tool result, {ALL} for
	// all of them.
	Text string `json:"text,omitempty"`
}

// Script is what a model does in one turn.
type Script []Step

// DefaultScript runs one shell command that writes note.txt.
func DefaultScript() Script {
	return Script{
		{Shell: "ls -la && echo hi > note.txt"},
		{Text: "DONE. note.txt written; tool said: {LAST}"},
	}
}

// shellTools are the names under which agents offer a shell.
var shellTools = []string{
	"exec", "bash", "Bash", "shell_command", "exec_command", "shell", "local_shell",
	"container.exec", "run_command",
}

// maxLast bounds how much of a tool result a final text repeats.
const maxLast = 16 << 10

// reply is what the model says to one request: a tool call or a text.
type reply struct {
	tool string
	args map[string]any
	text string
}

// next is the reply to a conversation with these tools and results.
func (s Script) next(tools map[string]schema, results []string) reply {
	if len(tools) == 0 {
		return reply{text: "a plain answer"}
	}
	step := s[min(len(results), len(s)-1)]
	if step.Shell == "" && len(step.Tool) == 0 {
		last := ""
		if len(results) > 0 {
			last = results[len(results)-1]
		}
		text := strings.ReplaceAll(step.Text, "{LAST}", clip(last))
		return reply{text: strings.ReplaceAll(text, "{ALL}", clip(strings.Join(results, "\n")))}
	}
	names := step.Tool
	if step.Shell != "" {
		names = shellTools
	}
	for _, name := range names {
		if shape, offered := tools[name]; offered {
			if step.Shell != "" {
				return reply{tool: name, args: shape.shellArgs(step.Shell)}
			}
			return reply{tool: name, args: step.Args}
		}
	}
	offered := make([]string, 0, len(tools))
	for name := range tools {
		offered = append(offered, name)
	}
	slices.Sort(offered)
	return reply{text: "mock: no matching tool is offered, only " + strings.Join(offered, ",")}
}

func clip(s string) string {
	if len(s) > maxLast {
		return s[:maxLast]
	}
	return s
}

// schema is the part of a tool's JSON schema that shapes a shell call.
type schema struct {
	Properties map[string]struct {
		Type any `json:"type"`
	} `json:"properties"`
}

// shellArgs puts a command where this tool expects it.
func (s schema) shellArgs(command string) map[string]any {
	name := "command"
	if _, ok := s.Properties[name]; !ok {
		if _, ok := s.Properties["cmd"]; ok {
			name = "cmd"
		}
	}
	args := map[string]any{name: command}
	if s.Properties[name].Type == "array" {
		args[name] = []string{"bash", "-lc", command}
	}
	if _, ok := s.Properties["description"]; ok {
		args["description"] = "scripted step"
	}
	return args
}

// request is what the three dialects have in common.
type request struct {
	Model    string            `json:"model"`
	Stream   bool              `json:"stream"`
	Tools    []json.RawMessage `json:"tools"`
	Messages []message         `json:"messages"`
	Input    json.RawMessage   `json:"input"`
}

type message struct {
	Role    string          `json:"role"`
	Type    string          `json:"type"`
	Content json.RawMessage `json:"content"`
	Output  json.RawMessage `json:"output"`
}

// tools maps each offered tool to its parameters.
func (r request) tools() map[string]schema {
	out := map[string]schema{}
	for _, raw := range r.Tools {
		var t struct {
			Type        string  `json:"type"`
			Name        string  `json:"name"`
			Parameters  *schema `json:"parameters"`
			InputSchema *schema `json:"input_schema"`
			Function    *struct {
				Name       string  `json:"name"`
				Parameters *schema `json:"parameters"`
			} `json:"function"`
		}
		if json.Unmarshal(raw, &t) != nil {
			continue
		}
		if t.Function != nil {
			t.Name, t.Parameters = t.Function.Name, t.Function.Parameters
		}
		if t.Name == "" {
			t.Name = t.Type
		}
		var s schema
		if t.Parameters != nil {
			s = *t.Parameters
		} else if t.InputSchema != nil {
			s = *t.InputSchema
		}
		out[t.Name] = s
	}
	return out
}
