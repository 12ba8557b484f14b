package flow

import (
	"strings"

	"clawjail/policy/skill"
)

// What the tools of clouds and clusters give away: rights over everything, to
// whoever is named, and containers that are the host.

// broadGrants are roles that may do everything, as the tools spell them.
var broadGrants = []string{"administratoraccess", "poweruseraccess", "iamfullaccess", "roles/owner", "roles/editor", "roles/iam.securityadmin", "--clusterrole=cluster-admin", "cluster-admin", "--role owner"}

// grants judges the words of a command of a cloud's or a cluster's tool.
func (m *machine) grants(f *frame, c *cmdCall) {
	var words []string
	for _, a := range c.args {
		words = append(words, strings.ToLower(a.shape()))
	}
	line := strings.Join(words, " ")
	if verb := granting(c.name, line); verb != "" {
		for _, g := range broadGrants {
			if strings.Contains(line, g) {
				m.emit(f, "CJS-EXEC-008", c.at, c.name+" "+verb+" gives rights over everything ("+g+")", severity(skill.High))
				return
			}
		}
	}
	plain := strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(line)
	for _, p := range []string{`"privileged":true`, `"hostpid":true`, `"hostpath":{"path":"/"`} {
		if strings.Contains(plain, p) {
			m.emit(f, "CJS-EXEC-008", c.at, c.name+" starts a container that is root on its host ("+p+")", severity(skill.High))
			return
		}
	}
}

// granting is the verb with which a tool gives somebody rights.
func granting(tool, line string) string {
	verbs := map[string][]string{
		"aws":     {"attach-role-policy", "attach-user-policy", "attach-group-policy", "put-user-policy", "put-role-policy", "create-access-entry", "associate-access-policy"},
		"gcloud":  {"add-iam-policy-binding", "set-iam-policy"},
		"kubectl": {"create clusterrolebinding", "create rolebinding"},
		"az":      {"role assignment create"},
	}
	for _, v := range verbs[tool] {
		if strings.Contains(line, v) {
			return v
		}
	}
	return ""
}
