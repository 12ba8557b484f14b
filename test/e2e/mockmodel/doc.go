// Package mockmodel is a scripted language model for tests: an HTTP handler
// that speaks OpenAI's chat completions and responses and Anthropic's messages,
// streaming or not, well enough for real agents to finish a turn.
//
// A reply is a pure function of the request and the script: the step is the
// number of tool results since the last real user message. So a retried request
// gets the same answer, and two agents never disturb each other.
//
// Trust: the requests come from agents under test; bodies are bounded.
// Ownership: a Server owns its scripts and its log. Concurrency: safe for any
// number of requests. Importers: test/e2e only.
//
// # Decisions
//
//   - The script is chosen by the API key ("sk-ant-NAME" or "sk-NAME"), which
//     every agent sends and none interprets.
//   - No model quality is imitated: past the end a script repeats its last step.
package mockmodel
