package source

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
	"clawjail/supervisor/config"
)

// setting is one value of the file.
type setting struct {
	key   string // its place in the file: "audit.segment"
	field string // its name in config.Config's JSON
	read  func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config)
	show  func(c config.Config) string // as YAML
}

// settings are all of them, in the order of example.yaml.
func settings() []setting {
	return slices.Concat(peopleSettings(), signInSettings(), auditSettings(), incidentSettings(),
		networkSettings(), limitSettings(), skillSettings(), userSettings())
}

// peopleSettings say who may do what, who is asked, and what holds without them.
func peopleSettings() []setting {
	return []setting{
		group("access.group", "group", func(c *config.Config) *string { return &c.Group }),
		group("hitl.approvers", "approvers", func(c *config.Config) *string { return &c.Approvers }),
		{"hitl.four_eyes", "four_eyes",
			func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) { c.FourEyes = r.Boolean(n, s.key) },
			func(c config.Config) string { return strconv.FormatBool(c.FourEyes) }},
		{"hitl.people", "hitl_people", readPeople, func(c config.Config) string { return flow(c.People) }},
		{"hitl.groups", "hitl_groups", readGroups, func(c config.Config) string { return flow(c.Groups) }},
		{"hitl.delegates", "hitl_delegates", readDelegates, func(c config.Config) string { return flow(c.Delegates) }},
		{"hitl.categories", "hitl_categories", readCategories, func(c config.Config) string { return flow(c.Categories) }},
		{"jails.on_supervisor_loss", "on_supervisor_loss",
			func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
				c.OnSupervisorLoss, _ = strict.OneWord(r, n, s.key, config.SupervisorLossChoices(), config.ParseSupervisorLoss)
			},
			func(c config.Config) string { return string(c.OnSupervisorLoss) }},
		period("jails.supervisor_loss_after", "supervisor_loss_after", func(c *config.Config) *config.Duration { return &c.SupervisorLossAfter }),
	}
}

// signInSettings are those of signing in.
func signInSettings() []setting {
	return []setting{
		boolean("auth.enabled", "auth_enabled", func(c *config.Config) *bool { return &c.AuthEnabled }),
		word("auth.mfa", "auth_mfa", func(c *config.Config) *string { return &c.AuthMFA }),
		word("auth.step_up", "auth_step_up", func(c *config.Config) *string { return &c.StepUp }),
		word("auth.secret_file", "auth_secret_file", func(c *config.Config) *string { return &c.AuthSecretFile }),
		period("auth.access", "auth_access", func(c *config.Config) *config.Duration { return &c.AuthAccess }),
		period("auth.session", "auth_session", func(c *config.Config) *config.Duration { return &c.AuthSession }),
		count("rate_limit.requests", "rate_requests", func(c *config.Config) *int { return &c.RateRequests }),
		period("rate_limit.window", "rate_window", func(c *config.Config) *config.Duration { return &c.RateWindow }),
	}
}

// auditSettings say what is recorded, and where it is kept.
func auditSettings() []setting {
	return []setting{
		boolean("audit.enabled", "audit_enabled", func(c *config.Config) *bool { return &c.AuditEnabled }),
		{"audit.segment", "audit_segment_bytes",
			func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
				c.AuditSegmentBytes, _ = r.Size(n, s.key, span(s.field))
			},
			func(c config.Config) string { return policy.Size(c.AuditSegmentBytes) }},
		{"audit.on_loss", "on_audit_loss",
			func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
				c.OnAuditLoss, _ = strict.OneWord(r, n, s.key, config.LossChoices(), config.ParseLoss)
			},
			func(c config.Config) string { return string(c.OnAuditLoss) }},
		period("audit.checkpoint", "audit_checkpoint", func(c *config.Config) *config.Duration { return &c.AuditCheckpoint }),
		period("audit.retain", "audit_retain", func(c *config.Config) *config.Duration { return &c.AuditRetain }),
		{"audit.hold", "audit_hold",
			func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) { c.AuditHold = r.Boolean(n, s.key) },
			func(c config.Config) string { return strconv.FormatBool(c.AuditHold) }},
		texts("audit.anchors", "audit_anchors", config.MaxAnchors, config.CheckAnchor, func(c *config.Config) *[]string { return &c.AuditAnchors }),
		texts("audit.redact", "audit_redact", config.MaxRedact, config.CheckRedact, func(c *config.Config) *[]string { return &c.AuditRedact }),
		texts("audit.sinks", "audit_sinks", config.MaxSinks, config.CheckSink, func(c *config.Config) *[]string { return &c.AuditSinks }),
	}
}

// incidentSettings say who is told, and what opens an incident.
func incidentSettings() []setting {
	return []setting{
		{"notifications.channels", "notify_channels", readChannels, func(c config.Config) string { return flow(c.Channels) }},
		{"notifications.quiet", "notify_quiet", readQuiet, func(c config.Config) string { return flow(c.Quiet) }},
		{"incidents.playbook", "playbook", readPlaybook, func(c config.Config) string { return flow(c.Playbook) }},
		count("incidents.denials", "denial_count", func(c *config.Config) *int { return &c.DenialCount }),
		period("incidents.denial_window", "denial_window", func(c *config.Config) *config.Duration { return &c.DenialWindow }),
		texts("incidents.canary_files", "canary_files", config.MaxCanaries, config.CheckCanaryFile, func(c *config.Config) *[]string { return &c.CanaryFiles }),
		texts("incidents.canary_hosts", "canary_hosts", config.MaxCanaries, config.CheckCanaryHost, func(c *config.Config) *[]string { return &c.CanaryHosts }),
	}
}

// networkSettings are of names and of the console.
func networkSettings() []setting {
	return []setting{
		{"network.resolvers", "resolvers", readResolvers, showResolvers},
		word("network.listen", "console_listen", func(c *config.Config) *string { return &c.Listen }),
		word("network.name", "console_name", func(c *config.Config) *string { return &c.Name }),
		boolean("network.tls", "console_tls", func(c *config.Config) *bool { return &c.TLS }),
		word("network.certificate", "console_certificate", func(c *config.Config) *string { return &c.Certificate }),
		word("network.key", "console_key", func(c *config.Config) *string { return &c.Key }),
	}
}

// limitSettings bound jails and actions.
func limitSettings() []setting {
	return []setting{
		{"limits.jails", "max_jails",
			func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
				v, _ := r.Integer(n, s.key, span(s.field))
				c.MaxJails = int(v)
			},
			func(c config.Config) string { return strconv.Itoa(c.MaxJails) }},
		{"action_limits.defaults", "action_limits", readActionLimits, func(c config.Config) string { return flow(c.ActionLimits) }},
		texts("action_limits.redis", "limit_redis", config.MaxRedis, config.CheckRedis, func(c *config.Config) *[]string { return &c.LimitRedis }),
		word("action_limits.redis_user", "limit_redis_user", func(c *config.Config) *string { return &c.LimitRedisUser }),
		word("action_limits.redis_password_file", "limit_redis_password_file", func(c *config.Config) *string { return &c.LimitRedisPassword }),
		boolean("action_limits.redis_tls", "limit_redis_tls", func(c *config.Config) *bool { return &c.LimitRedisTLS }),
		word("action_limits.redis_ca_file", "limit_redis_ca_file", func(c *config.Config) *string { return &c.LimitRedisCA }),
		count("action_limits.hosts", "limit_hosts", func(c *config.Config) *int { return &c.LimitHosts }),
	}
}

// skillSettings say which skills may come.
func skillSettings() []setting {
	return []setting{
		texts("skills.trusted_sources", "skill_sources", config.MaxSources, config.CheckSource, func(c *config.Config) *[]string { return &c.SkillSources }),
		boolean("skills.allow_unsigned", "skill_allow_unsigned", func(c *config.Config) *bool { return &c.SkillUnsigned }),
		boolean("skills.require_verification", "skill_require_verification", func(c *config.Config) *bool { return &c.SkillVerify }),
		count("skills.max_permissions", "skill_max_permissions", func(c *config.Config) *int { return &c.SkillPermissions }),
		count("skills.required_signers", "skill_required_signers", func(c *config.Config) *int { return &c.SkillSigners }),
	}
}

// userSettings are of the private supervisor, of the users that clawjail runs programs as,
// and of what is accepted against advice.
func userSettings() []setting {
	return []setting{
		period("private.linger", "linger", func(c *config.Config) *config.Duration { return &c.Linger }),
		id("users.agent.uid", "agent_uid", func(c *config.Config) *uint32 { return &c.AgentUID }),
		id("users.agent.gid", "agent_gid", func(c *config.Config) *uint32 { return &c.AgentGID }),
		id("users.egress.uid", "egress_uid", func(c *config.Config) *uint32 { return &c.EgressUID }),
		id("users.egress.gid", "egress_gid", func(c *config.Config) *uint32 { return &c.EgressGID }),
		id("users.gateway.uid", "gateway_uid", func(c *config.Config) *uint32 { return &c.GatewayUID }),
		id("users.gateway.gid", "gateway_gid", func(c *config.Config) *uint32 { return &c.GatewayGID }),
		id("users.auth.uid", "auth_uid", func(c *config.Config) *uint32 { return &c.AuthUID }),
		id("users.auth.gid", "auth_gid", func(c *config.Config) *uint32 { return &c.AuthGID }),
		texts("accept", "accept", len(config.Acceptable()), config.CheckAccept, func(c *config.Config) *[]string { return &c.Accept }),
	}
}

// span is the range of a field.
func span(field string) strict.Range {
	least, most := config.Range(field)
	return strict.Range{Least: least, Most: most}
}

// group is a setting that names a unix group; "" is none.
func group(key, field string, at func(*config.Config) *string) setting {
	return setting{key, field,
		func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
			*at(c), _ = r.Str(n, s.key)
		},
		func(c config.Config) string { return scalar(*at(&c)) }}
}

// word is a setting that is a text.
func word(key, field string, at func(*config.Config) *string) setting { return group(key, field, at) }

// boolean is a setting that is true or false.
func boolean(key, field string, at func(*config.Config) *bool) setting {
	return setting{key, field,
		func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) { *at(c) = r.Boolean(n, s.key) },
		func(c config.Config) string { return strconv.FormatBool(*at(&c)) }}
}

// count is a setting that is a small number.
func count(key, field string, at func(*config.Config) *int) setting {
	return setting{key, field,
		func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
			v, _ := r.Integer(n, s.key, span(s.field))
			*at(c) = int(v)
		},
		func(c config.Config) string { return strconv.Itoa(*at(&c)) }}
}

// period is a setting that is a length of time.
func period(key, field string, at func(*config.Config) *config.Duration) setting {
	return setting{key, field,
		func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
			d, _ := r.Duration(n, s.key, span(s.field))
			*at(c) = config.Duration(d)
		},
		func(c config.Config) string { return policy.Duration(time.Duration(*at(&c))) }}
}

// texts is a setting that is a list of words, each of which check accepts.
func texts(key, field string, most int, check func(string) error, at func(*config.Config) *[]string) setting {
	return setting{key, field,
		func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
			list := []string{}
			for i, item := range r.Items(n, s.key, most) {
				where := fmt.Sprintf("%s[%d]", s.key, i)
				text, ok := r.Str(item, where)
				if !ok {
					continue
				}
				if err := check(text); err != nil {
					r.Problem(item, "", "%s: %v", where, err)
					continue
				}
				if slices.Contains(list, text) {
					r.Problem(item, "", "%s: %s is listed twice", where, text)
					continue
				}
				list = append(list, text)
			}
			*at(c) = list
		},
		func(c config.Config) string {
			quoted := make([]string, len(*at(&c)))
			for i, v := range *at(&c) {
				quoted[i] = strconv.Quote(v)
			}
			return "[" + strings.Join(quoted, ", ") + "]"
		}}
}

// id is a setting that is a user's or a group's number.
func id(key, field string, at func(*config.Config) *uint32) setting {
	return setting{key, field,
		func(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
			v, _ := r.Integer(n, s.key, span(s.field))
			*at(c) = uint32(v)
		},
		func(c config.Config) string { return strconv.FormatUint(uint64(*at(&c)), 10) }}
}

// scalar writes a name as YAML: plain where that is the same.
func scalar(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_-") == "" && strict.KindName(&yaml.Node{Kind: yaml.ScalarNode, Value: s}) == "text" {
		return s
	}
	return strconv.Quote(s)
}

const resolverHint = `write an address, as in 192.0.2.53, "192.0.2.53:5353" or "[2001:db8::53]:53"`

// readResolvers reads addresses, with port 53 unless there is another.
func readResolvers(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
	list := []netip.AddrPort{}
	for i, item := range r.Items(n, s.key, config.MaxResolvers) {
		where := fmt.Sprintf("%s[%d]", s.key, i)
		text, ok := r.Word(item, where)
		if !ok {
			continue
		}
		a, err := resolver(text)
		if err != nil {
			r.Problem(item, resolverHint, "%s is the address of a name server, not %q", where, text)
			continue
		}
		if err := config.CheckResolver(a); err != nil {
			r.Problem(item, resolverHint, "%s: %v", where, err)
			continue
		}
		if slices.Contains(list, a) {
			r.Problem(item, "", "%s: %s is listed twice", where, a)
			continue
		}
		list = append(list, a)
	}
	c.Resolvers = list
}

func resolver(s string) (netip.AddrPort, error) {
	const dns = 53
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a, dns), nil
	}
	return netip.ParseAddrPort(s)
}

func showResolvers(c config.Config) string {
	quoted := make([]string, len(c.Resolvers))
	for i, a := range c.Resolvers {
		quoted[i] = strconv.Quote(a.String())
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
