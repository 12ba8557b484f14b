package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// modelURL is where the model lives, inside the jail as outside.
const modelURL = "https://api.openai.com/v1/chat/completions"

const (
	maxTurns  = 40
	maxAnswer = 1 << 20
)

// chatMessage is a message of the chat completions dialect.
type chatMessage struct {
	Role       string     `json:"role"`
	Content    string     `json:"content"`
	ToolCalls  []toolCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type toolCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// agentMain is the life of the agent.
func agentMain() int {
	messages := []chatMessage{{Role: "user", Content: strings.Join(os.Args[2:], " ")}}
	for range maxTurns {
		m, err := ask(messages)
		if err != nil {
			fmt.Fprintln(os.Stderr, "agent:", err)
			return 1
		}
		messages = append(messages, m)
		if len(m.ToolCalls) == 0 {
			fmt.Println("agent: " + m.Content)
			return 0
		}
		for _, call := range m.ToolCalls {
			messages = append(messages, chatMessage{Role: "tool", ToolCallID: call.ID, Content: perform(call)})
		}
	}
	fmt.Fprintln(os.Stderr, "agent: the model does not come to an end")
	return 1
}

// ask sends the conversation and returns what the model says.
func ask(messages []chatMessage) (chatMessage, error) {
	body, err := json.Marshal(map[string]any{
		"model": "mock-1", "messages": messages,
		"tools": []any{map[string]any{"type": "function", "function": map[string]any{
			"name": "shell", "parameters": map[string]any{"type": "object",
				"properties": map[string]any{"command": map[string]string{"type": "string"}}}}}},
	})
	if err != nil {
		return chatMessage{}, err
	}
	r, err := http.NewRequest(http.MethodPost, modelURL, bytes.NewReader(body))
	if err != nil {
		return chatMessage{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+os.Getenv("OPENAI_API_KEY"))
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(r)
	if err != nil {
		return chatMessage{}, err
	}
	defer resp.Body.Close()
	var answer struct {
		Choices []struct {
			Message chatMessage `json:"message"`
		} `json:"choices"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil {
		return chatMessage{}, fmt.Errorf("the model's answer (%s): %w", resp.Status, err)
	}
	if len(answer.Choices) == 0 {
		return chatMessage{}, errors.New("the model said nothing")
	}
	return answer.Choices[0].Message, nil
}

// perform runs one shell command and returns what the model sees of it.
func perform(call toolCall) string {
	var args struct {
		Command string `json:"command"`
	}
	if err := json.Unmarshal([]byte(call.Function.Arguments), &args); err != nil {
		return "bad arguments: " + err.Error()
	}
	fmt.Printf("  $ %s\n", args.Command)
	c := exec.Command("sh", "-c", args.Command)
	out, err := c.CombinedOutput()
	if err != nil {
		out = fmt.Appendf(out, "[%v]\n", err)
	}
	for line := range strings.Lines(string(out[:min(len(out), 2000)])) {
		fmt.Printf("    %s\n", strings.TrimRight(line, "\n"))
	}
	return string(out)
}
