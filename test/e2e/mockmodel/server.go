package mockmodel

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
)

const (
	maxBody    = 16 << 20 // an agent's request with a whole conversation in it
	maxScripts = 1024
	maxLog     = 4096 // newest entries win nothing: later ones are not kept
)

// Entry is one request that the model answered.
type Entry struct {
	Script  string   `json:"script"`
	Path    string   `json:"path"`
	Agent   string   `json:"agent"`
	Stream  bool     `json:"stream"`
	Results []string `json:"results"`
	Tool    string   `json:"tool,omitempty"`
	Text    string   `json:"text,omitempty"`
}

// Server answers as a model. Its zero value is ready.
type Server struct {
	mu      sync.Mutex
	scripts map[string]Script
	log     []Entry
	seq     int
}

// SetScript gives the script that requests with key "sk-NAME" follow.
func (s *Server) SetScript(name string, script Script) error {
	if len(script) == 0 {
		return fmt.Errorf("script %q is empty", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.scripts) >= maxScripts {
		return fmt.Errorf("more than %d scripts", maxScripts)
	}
	if s.scripts == nil {
		s.scripts = map[string]Script{}
	}
	s.scripts[name] = script
	return nil
}

// Log is what was asked under one script's name, oldest first.
func (s *Server) Log(name string) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Entry{}
	for _, e := range s.log {
		if e.Script == name {
			out = append(out, e)
		}
	}
	return out
}

// ServeHTTP speaks the three dialects by path, and lists one model.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	if r.Method != http.MethodPost {
		s.serveGet(w, path)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	var d dialect
	switch {
	case strings.HasSuffix(path, "/count_tokens"):
		writeJSON(w, map[string]any{"input_tokens": 10})
		return
	case strings.HasSuffix(path, "/chat/completions"):
		d = dialectChat
	case strings.HasSuffix(path, "/responses"):
		d = dialectResponses
	case strings.HasSuffix(path, "/messages"):
		d = dialectMessages
	default:
		writeJSON(w, map[string]any{})
		return
	}
	var req request
	if err := json.Unmarshal(body, &req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, seq := s.answer(r, req, d)
	out := response{w: w, model: req.Model, stream: req.Stream, seq: seq, reply: answer}
	switch d {
	case dialectChat:
		out.chat()
	case dialectResponses:
		out.responses()
	default:
		out.messages()
	}
}

func (s *Server) serveGet(w http.ResponseWriter, path string) {
	if strings.HasSuffix(path, "/models") {
		writeJSON(w, map[string]any{"object": "list", "data": []any{
			map[string]any{"id": "mock-1", "object": "model", "owned_by": "mock"},
		}})
		return
	}
	writeJSON(w, map[string]any{"ok": true})
}

// answer picks the script by the caller's key, decides and writes it down.
func (s *Server) answer(r *http.Request, req request, d dialect) (reply, int) {
	name := scriptName(r)
	results := req.results(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	script, ok := s.scripts[name]
	if !ok {
		script = DefaultScript()
	}
	a := script.next(req.tools(), results)
	s.seq++
	if len(s.log) < maxLog {
		s.log = append(s.log, Entry{
			Script: name, Path: r.URL.Path, Agent: r.UserAgent(), Stream: req.Stream,
			Results: results, Tool: a.tool, Text: a.text,
		})
	}
	return a, s.seq
}

// scriptName is what stands behind "sk-" or "sk-ant-" in the caller's key.
func scriptName(r *http.Request) string {
	key := r.Header.Get("x-api-key")
	if key == "" {
		key = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	key = strings.TrimPrefix(key, "sk-")
	return strings.TrimPrefix(key, "ant-")
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	// The client may be gone; its own exit tells the test.
	_ = json.NewEncoder(w).Encode(v)
}

// with is a copy of m with the pairs of n over it.
func with(m, n map[string]any) map[string]any {
	out := maps.Clone(m)
	maps.Copy(out, n)
	return out
}
