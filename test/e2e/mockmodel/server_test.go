package mockmodel

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func post(t *testing.T, s *Server, path, key, body string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEachDialectCallsTheShellAndThenAnswers(t *testing.T) {
	const shellTool = `{"type":"function","function":{"name":"bash","parameters":{"properties":{"command":{"type":"string"}}}}}`
	tests := []struct{ name, path, first, second string }{
		{"chat", "/v1/chat/completions",
			`{"tools":[` + shellTool + `],"messages":[{"role":"user","content":"go"}]}`,
			`{"tools":[` + shellTool + `],"messages":[{"role":"user","content":"go"},{"role":"tool","content":"OUT"}]}`},
		{"responses", "/v1/responses",
			`{"tools":[{"type":"function","name":"shell","parameters":{"properties":{"command":{"type":"array"}}}}],"input":[{"role":"user","content":[{"text":"go"}]}]}`,
			`{"tools":[{"type":"function","name":"shell"}],"input":[{"role":"user","content":"go"},{"type":"function_call_output","output":"OUT"}]}`},
		{"messages", "/v1/messages",
			`{"tools":[{"name":"Bash","input_schema":{"properties":{"command":{"type":"string"},"description":{"type":"string"}}}}],"messages":[{"role":"user","content":"go"}]}`,
			`{"tools":[{"name":"Bash"}],"messages":[{"role":"user","content":"go"},{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"OUT"}]}]}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Server{}
			if err := s.SetScript("n", Script{{Shell: "id -u"}, {Text: "said {LAST}"}}); err != nil {
				t.Fatal(err)
			}
			for _, stream := range []string{"", `"stream":true,`} {
				if got := post(t, s, tt.path, "sk-n", "{"+stream+tt.first[1:]); !strings.Contains(got, "id -u") {
					t.Errorf("first reply %q holds no call", got)
				}
				if got := post(t, s, tt.path, "sk-n", "{"+stream+tt.second[1:]); !strings.Contains(got, "said OUT") {
					t.Errorf("second reply %q does not repeat the result", got)
				}
			}
			if n := len(s.Log("n")); n != 4 {
				t.Errorf("log has %d entries, want 4", n)
			}
		})
	}
}

func TestInjectedContextIsNoNewTurn(t *testing.T) {
	var m []message
	in := `[{"role":"user","content":"go"},{"role":"tool","content":"A"},{"role":"user","content":"<system-reminder>x</system-reminder>"},{"role":"tool","content":"B"}]`
	if err := json.Unmarshal([]byte(in), &m); err != nil {
		t.Fatal(err)
	}
	if got := chatResults(m); len(got) != 2 {
		t.Errorf("results %q, want A and B", got)
	}
}
