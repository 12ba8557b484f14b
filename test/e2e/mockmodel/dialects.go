package mockmodel

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// response writes one reply in one dialect.
type response struct {
	w      http.ResponseWriter
	model  string
	stream bool
	seq    int
	reply  reply
}

func (o response) isTool() bool { return o.reply.tool != "" }

func (o response) arguments() string {
	b, err := json.Marshal(o.reply.args)
	if err != nil {
		return "{}" // scripts come from our own tests as JSON
	}
	return string(b)
}

func (o response) startStream() {
	o.w.Header().Set("Content-Type", "text/event-stream")
	o.w.Header().Set("Cache-Control", "no-cache")
	o.w.WriteHeader(http.StatusOK)
}

// event writes one server-sent event; name may be empty.
func (o response) event(name string, v any) {
	if name != "" {
		fmt.Fprintf(o.w, "event: %s\n", name)
	}
	if s, ok := v.(string); ok {
		fmt.Fprintf(o.w, "data: %s\n\n", s)
	} else if b, err := json.Marshal(v); err == nil {
		fmt.Fprintf(o.w, "data: %s\n\n", b)
	}
	if f, ok := o.w.(http.Flusher); ok {
		f.Flush()
	}
}

// chat is POST /v1/chat/completions.
func (o response) chat() {
	base := map[string]any{"id": fmt.Sprintf("cc-%d", o.seq), "created": 1, "model": o.model}
	usage := map[string]any{"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
	body := map[string]any{"role": "assistant", "content": o.reply.text}
	finish := "stop"
	if o.isTool() {
		finish = "tool_calls"
		body["content"] = nil
		body["tool_calls"] = []any{map[string]any{
			"index": 0, "id": fmt.Sprintf("call_%d", o.seq), "type": "function",
			"function": map[string]any{"name": o.reply.tool, "arguments": o.arguments()},
		}}
	}
	if !o.stream {
		writeJSON(o.w, with(base, map[string]any{"object": "chat.completion", "usage": usage,
			"choices": []any{map[string]any{"index": 0, "message": body, "finish_reason": finish}}}))
		return
	}
	o.startStream()
	chunk := func(delta any, finish any) map[string]any {
		return with(base, map[string]any{"object": "chat.completion.chunk",
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}})
	}
	o.event("", chunk(body, nil))
	o.event("", chunk(map[string]any{}, finish))
	o.event("", with(base, map[string]any{"object": "chat.completion.chunk", "choices": []any{}, "usage": usage}))
	o.event("", "[DONE]")
}

// responses is POST /v1/responses.
func (o response) responses() {
	part := map[string]any{"type": "output_text", "text": o.reply.text, "annotations": []any{}}
	item := map[string]any{"type": "message", "id": fmt.Sprintf("msg_%d", o.seq), "role": "assistant",
		"status": "completed", "content": []any{part}}
	if o.isTool() {
		item = map[string]any{"type": "function_call", "id": fmt.Sprintf("fc_%d", o.seq),
			"call_id": fmt.Sprintf("call_%d", o.seq), "name": o.reply.tool,
			"arguments": o.arguments(), "status": "completed"}
	}
	whole := map[string]any{"id": fmt.Sprintf("resp_%d", o.seq), "object": "response", "created_at": 1,
		"status": "completed", "model": o.model, "output": []any{item},
		"usage": map[string]any{"input_tokens": 10, "input_tokens_details": map[string]any{"cached_tokens": 0},
			"output_tokens": 5, "output_tokens_details": map[string]any{"reasoning_tokens": 0}, "total_tokens": 15}}
	if !o.stream {
		writeJSON(o.w, whole)
		return
	}
	o.startStream()
	o.streamResponse(item, part, whole)
}

func (o response) streamResponse(item, part, whole map[string]any) {
	seq := 0
	send := func(kind string, v map[string]any) {
		o.event(kind, with(v, map[string]any{"type": kind, "sequence_number": seq}))
		seq++
	}
	at := map[string]any{"output_index": 0}
	in := map[string]any{"output_index": 0, "item_id": item["id"]}
	inPart := with(in, map[string]any{"content_index": 0})
	send("response.created", map[string]any{"response": with(whole, map[string]any{"status": "in_progress", "output": []any{}})})
	if o.isTool() {
		send("response.output_item.added", with(at, map[string]any{
			"item": with(item, map[string]any{"arguments": "", "status": "in_progress"})}))
		send("response.function_call_arguments.delta", with(in, map[string]any{"delta": item["arguments"]}))
		send("response.function_call_arguments.done", with(in, map[string]any{"arguments": item["arguments"]}))
	} else {
		send("response.output_item.added", with(at, map[string]any{
			"item": with(item, map[string]any{"content": []any{}, "status": "in_progress"})}))
		send("response.content_part.added", with(inPart, map[string]any{"part": with(part, map[string]any{"text": ""})}))
		send("response.output_text.delta", with(inPart, map[string]any{"delta": o.reply.text}))
		send("response.output_text.done", with(inPart, map[string]any{"text": o.reply.text}))
		send("response.content_part.done", with(inPart, map[string]any{"part": part}))
	}
	send("response.output_item.done", with(at, map[string]any{"item": item}))
	send("response.completed", map[string]any{"response": whole})
}

// messages is POST /v1/messages.
func (o response) messages() {
	block := map[string]any{"type": "text", "text": o.reply.text}
	stop := "end_turn"
	if o.isTool() {
		stop = "tool_use"
		block = map[string]any{"type": "tool_use", "id": fmt.Sprintf("toolu_%d", o.seq),
			"name": o.reply.tool, "input": o.reply.args}
	}
	whole := map[string]any{"id": fmt.Sprintf("msg_%d", o.seq), "type": "message", "role": "assistant",
		"model": o.model, "content": []any{block}, "stop_reason": stop, "stop_sequence": nil,
		"usage": map[string]any{"input_tokens": 10, "output_tokens": 5}}
	if !o.stream {
		writeJSON(o.w, whole)
		return
	}
	o.startStream()
	send := func(kind string, v map[string]any) { o.event(kind, with(v, map[string]any{"type": kind})) }
	send("message_start", map[string]any{"message": with(whole, map[string]any{"content": []any{}, "stop_reason": nil})})
	start, delta := with(block, map[string]any{"text": ""}), map[string]any{"type": "text_delta", "text": o.reply.text}
	if o.isTool() {
		start = with(block, map[string]any{"input": map[string]any{}})
		delta = map[string]any{"type": "input_json_delta", "partial_json": o.arguments()}
	}
	send("content_block_start", map[string]any{"index": 0, "content_block": start})
	send("content_block_delta", map[string]any{"index": 0, "delta": delta})
	send("content_block_stop", map[string]any{"index": 0})
	send("message_delta", map[string]any{"delta": map[string]any{"stop_reason": stop, "stop_sequence": nil},
		"usage": map[string]any{"output_tokens": 5}})
	send("message_stop", map[string]any{})
}
