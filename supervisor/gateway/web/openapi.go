package web

import (
	"maps"
	"strings"

	"clawjail/supervisor/api"
)

type object = map[string]any

// describe is the OpenAPI description of operations.
func describe(origin string) object {
	paths := object{}
	for _, o := range operations() {
		item, ok := paths[o.path].(object)
		if !ok {
			item = object{}
			paths[o.path] = item
		}
		item[strings.ToLower(o.method)] = o.describe()
	}
	stream := object{"summary": "Server-sent events: held when what is held changed, tick now and then, lost before the end. The stream ends after a minute; connect again.",
		"security": bearerSecurity(), "responses": object{"200": object{"description": "events", "content": object{"text/event-stream": object{"schema": object{"type": "string"}}}}, "default": reference("responses", "Error")}}
	paths["/api/v1/events"] = object{"get": stream}
	return object{
		"openapi": "3.0.3",
		"info": object{"title": "clawjail", "version": "1",
			"description": "What the console does, for programs. Texts that began in a jail are raw unless said otherwise: escape them before anybody sees them."},
		"servers": []any{object{"url": origin}},
		"paths":   paths,
		"components": object{
			"schemas":         schemas(),
			"responses":       object{"Error": object{"description": "why it is not done", "content": jsonOf("Error")}},
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
		},
	}
}

func bearerSecurity() []any { return []any{object{"token": []any{}}} }

func reference(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

func jsonOf(schema string) object {
	return object{"application/json": object{"schema": reference("schemas", schema)}}
}

func (o operation) describe() object {
	out := object{"summary": o.summary, "responses": object{"200": object{"description": "done", "content": jsonOf(o.answer)}, "default": reference("responses", "Error")}}
	if o.least != "" {
		out["security"] = bearerSecurity()
		out["description"] = "Takes the role " + o.least + "."
	}
	if o.body != "" {
		out["requestBody"] = object{"required": true, "content": jsonOf(o.body)}
	}
	var params []any
	for _, part := range strings.Split(o.path, "/") {
		if name, is := strings.CutPrefix(part, "{"); is {
			params = append(params, object{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	for _, q := range o.query {
		params = append(params, object{"name": q, "in": "query", "schema": object{"type": "string"}})
	}
	if o.code {
		params = append(params, object{"name": api.CodeHeader, "in": "header", "schema": object{"type": "string"},
			"description": "A fresh code of the person's authenticator, which counts once. Changes of users always take one, the rest where auth.step_up says so."})
	}
	if params != nil {
		out["parameters"] = params
	}
	return out
}

// fields describes an object: names that end in "?" may be left out.
func fields(list object) object {
	required, properties := []any{}, object{}
	for name, schema := range list {
		short, optional := strings.CutSuffix(name, "?")
		properties[short] = schema
		if !optional {
			required = append(required, short)
		}
	}
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func listOf(schema string) object {
	return object{"type": "array", "items": reference("schemas", schema)}
}

func schemas() object {
	text, number, truth, moment, anything := object{"type": "string"}, object{"type": "number"}, object{"type": "boolean"}, object{"type": "string", "format": "date-time"}, object{"type": "object"}
	keys := object{"type": "array", "items": fields(object{"name": text, "added": moment})}
	sessions := object{"type": "array", "items": fields(object{"id": text, "from": text, "with": text, "created": moment, "used": moment, "this": truth})}
	role := object{"type": "string", "enum": []any{"viewer", "approver", "responder", "admin"}}
	item := object{"id": text, "title": text, "status": object{"type": "string", "enum": []any{"ok", "attention", "failed", "unknown"}}, "detail": text, "fix?": text}
	task := object{"every": text, "last?": moment, "by?": text, "note?": text, "due?": moment}
	maps.Copy(task, item)
	user := fields(object{"name": text, "role": role, "disabled": truth, "authenticator": truth, "passkeys": keys, "recovery_left": number, "sessions": sessions, "uid?": number,
		"no_account": truth, "must_change_password": truth, "created": moment, "changed": moment})
	return object{
		"Account":     fields(object{"user": text, "role": role, "session": text, "expires": moment, "totp": truth, "recovery_left": number, "passkeys": keys, "sessions": sessions}),
		"NewPassword": fields(object{"old": text, "new": text}),
		"User":        user, "Users": object{"type": "array", "items": reference("schemas", "User")},
		"AddUser": fields(object{"name": text, "role": role, "no_authenticator?": truth, "no_account?": truth}),
		"Role":    fields(object{"role": role}), "EndSessions": fields(object{"session?": text}),
		"Given":    fields(object{"person": reference("schemas", "User"), "password?": text, "authenticator_secret?": text, "authenticator_address?": text, "recovery_codes?": object{"type": "array", "items": text}}),
		"Severity": fields(object{"severity": text}), "Preserve": object{"type": "object"},
		"Skills": fields(object{"unreadable": number, "skills": object{"type": "array", "items": fields(object{"name": text, "tree": text, "kinds": object{"type": "array", "items": text, "nullable": true}, "installed": moment, "reaudit?": object{"type": "object", "nullable": true},
			"report": fields(object{"verdict": text, "findings": object{"type": "array", "nullable": true, "items": fields(object{"rule": text, "severity": text, "file": text, "message": text})}})})}}),
		"Error":     fields(object{"error": text, "hint?": text}),
		"Nothing":   object{"type": "object"},
		"SignIn":    fields(object{"user": text, "password": text, "code?": text, "device_token?": text}),
		"Refresh":   fields(object{"refresh_token": text}),
		"Tokens":    fields(object{"access_token": text, "refresh_token": text, "device_token?": text, "user": text, "role": role, "expires": moment, "ends": moment, "recovery_left?": number, "must_change_password?": truth}),
		"Identity":  fields(object{"user": text, "role": role, "session": text, "expires": moment, "must_change_password?": truth}),
		"Approval":  fields(object{"request": anything, "waited_ms": number, "left_ms": number, "trail?": anything}),
		"Approvals": fields(object{"approvals": listOf("Approval"), "more?": number}),
		"Decide": fields(object{"approve": truth, "digest": text, "waiting?": number, "scope?": object{"type": "string", "enum": []any{"once", "for", "jail"}},
			"for_ns?": number, "reason?": text}),
		"Decided":      fields(object{"request": anything, "decision": fields(object{"id": text, "digest": text, "allowed": truth, "outcome": text, "by?": text, "with?": text, "needs?": number, "at": moment})}),
		"Jail":         fields(object{"id": text, "name": text, "state": object{"type": "string", "enum": []any{"creating", "running", "frozen", "exited"}}, "policy": text, "uid": number, "created": moment, "counts": anything}),
		"Jails":        listOf("Jail"),
		"Incident":     fields(object{"id": text, "state": text, "opened": moment, "severity": text, "trigger": anything, "subject": anything}),
		"Incidents":    listOf("Incident"),
		"OpenIncident": fields(object{"jail": text, "reason": text, "severity?": text, "hold?": text, "drill?": truth}),
		"Reason":       fields(object{"reason": text}),
		"AuditPage":    fields(object{"records": object{"type": "array", "items": fields(object{"seq": number, "time": moment, "gate": text, "verdict?": text, "subject": anything})}, "more?": truth, "damaged?": number}),
		"Limits":       fields(object{"limits": object{"type": "array", "items": fields(object{"jail": text, "name": text, "what": text, "max": number, "per_ns": number, "used": number, "left": number, "whose?": text, "currency?": text, "over?": text, "rule?": text, "problem?": text})}}),
		"Checklist":    fields(object{"at?": moment, "by?": text, "host?": text, "old": truth, "ok": truth, "items": object{"type": "array", "items": fields(item)}, "tasks": object{"type": "array", "items": fields(task)}}),
		"Health":       fields(object{"checks": object{"type": "array", "items": fields(object{"name": text, "state": object{"type": "string", "enum": []any{"ok", "warn", "bad"}}, "detail": text, "hint": text})}}),
	}
}
