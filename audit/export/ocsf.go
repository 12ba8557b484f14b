package export

import (
	"encoding/json"
	"net/netip"
	"path"

	"clawjail/audit"
)

// ocsfVersion is the version of the schema that the events follow.
const ocsfVersion = "1.5.0"

// class is an OCSF event class with the activity that a record is.
type class struct {
	category, class int
	name, activity  string
	id              int // of the activity
}

// classOf chooses the class of a record.
func classOf(r *audit.Record) class {
	switch r.Gate {
	case audit.GateExec:
		c := class{1, 1007, "Process Activity", "Launch", 1}
		if r.Subject.Op == "exit" {
			c.activity, c.id = "Terminate", 2
		}
		return c
	case audit.GateFile, audit.GateDelete:
		c := class{1, 1001, "File System Activity", "Other", 99}
		c.activity, c.id = fileActivity(r.Subject.Op)
		return c
	case audit.GateConnect, audit.GateEgress:
		return class{4, 4001, "Network Activity", "Open", 1}
	case audit.GateDNS:
		return class{4, 4003, "DNS Activity", "Query", 1}
	case audit.GateAuth:
		switch r.Subject.Op {
		case "sign-in", "locked-out":
			return class{3, 3002, "Authentication", "Logon", 1}
		case "sign-out":
			return class{3, 3002, "Authentication", "Logoff", 2}
		}
		return class{3, 3001, "Account Change", "Other", 99}
	}
	c := class{6, 6002, "Application Lifecycle", "Other", 99}
	switch r.Subject.Op {
	case "start":
		c.activity, c.id = "Start", 3
	case "stop", "end", "kill":
		c.activity, c.id = "Stop", 4
	}
	return c
}

func fileActivity(op string) (string, int) {
	switch op {
	case "open", "write":
		return "Update", 3
	case "unlink", "rmdir":
		return "Delete", 4
	case "rename":
		return "Rename", 5
	case "chmod", "chown":
		return "Set Attributes", 6
	case "mkdir", "mknod", "link", "symlink", "creat":
		return "Create", 1
	}
	return "Other", 99
}

// outcome gives severity, action and disposition of a verdict.
func outcome(r *audit.Record) (severity int, action string, actionID int, disposition string, dispositionID int) {
	switch r.Verdict {
	case "allow":
		return 1, "Allowed", 1, "Allowed", 1
	case "audit":
		return 2, "Allowed", 1, "Logged", 17
	case "ask":
		return 2, "Other", 99, "Other", 99
	case "deny":
		return 3, "Denied", 2, "Blocked", 2
	case "kill":
		return 4, "Denied", 2, "Dropped", 6
	case "freeze":
		return 4, "Denied", 2, "Isolated", 4
	}
	if r.Gate == audit.GateGap {
		return 4, "Unknown", 0, "Error", 20
	}
	return 1, "Unknown", 0, "Unknown", 0
}

type object = map[string]any

// appendOCSF appends a record as one event.
func appendOCSF(dst []byte, r *audit.Record) ([]byte, error) {
	c := classOf(r)
	severity, action, actionID, disposition, dispositionID := outcome(r)
	s := &r.Subject
	e := object{
		"category_uid": c.category, "class_uid": c.class, "class_name": c.name, "activity_id": c.id, "activity_name": c.activity,
		"type_uid": c.class*100 + c.id, "severity_id": severity, "time": r.Time.UnixMilli(),
		"action": action, "action_id": actionID, "disposition": disposition, "disposition_id": dispositionID,
		"metadata": object{"version": ocsfVersion, "product": object{"name": "clawjail", "vendor_name": "clawjail"},
			"uid": r.Boot + "/" + r.Prev[:min(16, len(r.Prev))], "sequence": r.Seq, "original_time": r.Time.UTC()},
		"unmapped": unmapped(r),
	}
	if s.Message != "" {
		e["message"] = s.Message
	}
	if r.Jail != "" {
		e["container"] = object{"uid": r.Jail, "name": s.Name}
	}
	if r.Rule != "" {
		e["firewall_rule"] = object{"name": r.Rule}
	}
	switch c.class {
	case 1007:
		e["process"] = process(s)
	case 1001:
		e["file"] = file(s.Path, s.SHA256)
		if s.Path2 != "" {
			e["file_result"] = file(s.Path2, "")
		}
		e["actor"] = object{"process": object{"pid": s.Pid}}
	case 4001:
		e["dst_endpoint"] = endpoint(s)
		e["traffic"] = object{"bytes_out": s.BytesUp, "bytes_in": s.BytesDown}
		e["duration"] = int64(s.DurationMS)
	case 4003:
		e["query"] = object{"hostname": s.Host}
	case 3001, 3002:
		e["user"] = object{"name": s.Name}
		if s.Addr != "" {
			e["src_endpoint"] = endpoint(s)
		}
	case 6002:
		e["app"] = object{"name": "clawjail", "vendor_name": "clawjail"}
	}
	b, err := json.Marshal(e)
	return append(dst, b...), err
}

func process(s *audit.Subject) object {
	p := object{"pid": s.Pid, "file": file(s.Path, s.SHA256)}
	if len(s.Argv) > 0 {
		p["cmd_line"] = argv(s.Argv)
	}
	if s.PPid != 0 {
		p["parent_process"] = object{"pid": s.PPid}
	}
	return p
}

func file(p, sha string) object {
	f := object{"name": path.Base(p), "path": p, "type_id": 1}
	if sha != "" {
		f["hashes"] = []object{{"algorithm": "SHA-256", "algorithm_id": 3, "value": sha}}
	}
	return f
}

func endpoint(s *audit.Subject) object {
	o := object{"port": s.Port}
	if s.Host != "" {
		o["hostname"] = s.Host
	}
	if a, err := netip.ParseAddrPort(s.Addr); err == nil {
		o["ip"], o["port"] = a.Addr().String(), a.Port()
	} else if a, err := netip.ParseAddr(s.Addr); err == nil {
		o["ip"] = a.String()
	}
	return o
}

// unmapped keeps what OCSF has no place for.
func unmapped(r *audit.Record) object {
	u := object{"gate": r.Gate, "verdict": r.Verdict, "tier": r.Tier, "prev": r.Prev, "exec_id": r.ExecID}
	if r.Subject.Lost > 0 {
		u["lost"], u["class"] = r.Subject.Lost, r.Subject.Class
	}
	if r.Decision != nil {
		u["decision"] = r.Decision
	}
	return u
}
