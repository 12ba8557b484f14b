package config

import (
	"encoding/json"
	"errors"
	"net/netip"
	"path/filepath"
	"time"
)

// DefaultPath is the operator's file. A host without one has the defaults.
const DefaultPath = "/etc/clawjail/config.yaml"

// OnAuditLoss is what happens to running jails when the audit log cannot be
// written. New jails never start then.
type OnAuditLoss string

// The choices.
const (
	AuditLossFreeze   OnAuditLoss = "freeze"   // every jail stands still until the log can be written
	AuditLossContinue OnAuditLoss = "continue" // jails go on; what is missing becomes a gap record
)

// OnSupervisorLoss is what becomes of running jails while there is no supervisor.
// Their shims see to it.
type OnSupervisorLoss string

// The choices. In all of them nothing is approved and nothing is let through.
const (
	SupervisorLossHold   OnSupervisorLoss = "hold"   // what is allowed goes on, what is held waits
	SupervisorLossFreeze OnSupervisorLoss = "freeze" // every jail stands still after a time
	SupervisorLossKill   OnSupervisorLoss = "kill"   // every jail ends after a time
)

// Config is everything that an operator can set.
type Config struct {
	// RunDir holds the control socket and the state of running jails. It and
	// StateDir are no settings: see the decisions of this package.
	RunDir string `json:"run_dir"`
	// StateDir holds what outlives a boot: the audit log, logs of jails.
	StateDir string `json:"state_dir"`
	// Group is the unix group whose members may use the control socket; empty
	// leaves it to root. Members can start jails as themselves, so treat the
	// group as what it is: people who may run agents on this host.
	Group string `json:"group"`
	// Approvers is the unix group whose members may decide held requests;
	// empty leaves that to root.
	Approvers string `json:"approvers"`
	// FourEyes bars whoever started a jail from approving for it.
	FourEyes bool `json:"four_eyes"`
	// People, Groups, Delegates and Categories are who is asked about what is
	// held, by whom they are stood in for, and in what order.
	People     []Person   `json:"hitl_people"`
	Groups     []Group    `json:"hitl_groups"`
	Delegates  []Delegate `json:"hitl_delegates"`
	Categories []Category `json:"hitl_categories"`
	// Linger is how long a private supervisor stays after its last jail.
	Linger Duration `json:"linger"`
	// AuthEnabled and AuditEnabled are there to be refused in words when somebody
	// turns them off.
	AuthEnabled bool `json:"auth_enabled"`
	// AuthMFA is who needs a second factor: MFAAdmins or MFAAll.
	AuthMFA string `json:"auth_mfa"`
	// StepUp is what takes a fresh second factor in the console: StepUpNever,
	// StepUpCritical or StepUpAlways.
	StepUp string `json:"auth_step_up"`
	// AuthSecretFile has what tokens are signed with: a path, or credential:NAME.
	AuthSecretFile string `json:"auth_secret_file"`
	// AuthAccess is how long an access token holds, AuthSession a session.
	AuthAccess  Duration `json:"auth_access"`
	AuthSession Duration `json:"auth_session"`
	// RateRequests is how many requests one client may make in RateWindow, on
	// the sign-in and on the API.
	RateRequests int      `json:"rate_requests"`
	RateWindow   Duration `json:"rate_window"`
	// Listen is where the console listens; empty: there is none.
	Listen string `json:"console_listen"`
	// Name is the host of the console's address, as browsers know it.
	Name string `json:"console_name"`
	// TLS is on unless a proxy on this host has it.
	TLS         bool   `json:"console_tls"`
	Certificate string `json:"console_certificate"`
	Key         string `json:"console_key"`
	// Accept lists what is unsafe and wanted all the same: see Acceptable.
	Accept []string `json:"accept"`
	// AuditEnabled: see AuthEnabled.
	AuditEnabled bool `json:"audit_enabled"`
	// OnAuditLoss says what running jails do when the log cannot be written.
	OnAuditLoss OnAuditLoss `json:"on_audit_loss"`
	// OnSupervisorLoss says what jails do without a supervisor, after
	// SupervisorLossAfter.
	OnSupervisorLoss    OnSupervisorLoss `json:"on_supervisor_loss"`
	SupervisorLossAfter Duration         `json:"supervisor_loss_after"`
	// AuditSegmentBytes is when the audit log begins a new file.
	AuditSegmentBytes int64 `json:"audit_segment_bytes"`
	// AuditCheckpoint is how often it is signed where the log stands.
	AuditCheckpoint Duration `json:"audit_checkpoint"`
	// AuditRetain is how long records are kept.
	AuditRetain Duration `json:"audit_retain"`
	// AuditHold keeps every record, however old, for as long as it is set.
	AuditHold bool `json:"audit_hold"`
	// AuditAnchors are where checkpoints are copied to: "syslog", or files. Channels
	// with the category "checkpoint" get them, too.
	AuditAnchors []string `json:"audit_anchors"`
	// AuditRedact are parts of names whose values are no business of the log,
	// besides those that everybody has.
	AuditRedact []string `json:"audit_redact"`
	// AuditSinks are what records are copied to besides the file: see CheckSink.
	AuditSinks []string `json:"audit_sinks"`
	// Channels are how people are told.
	Channels []Channel `json:"notify_channels"`
	// Quiet is when channels carry only what cannot wait.
	Quiet []Quiet `json:"notify_quiet"`
	// Playbook is what runs at the stages of an incident.
	Playbook []Play `json:"playbook"`
	// DenialCount is how many refusals of one jail within DenialWindow open an
	// incident; 0: none do.
	DenialCount  int      `json:"denial_count"`
	DenialWindow Duration `json:"denial_window"`
	// CanaryFiles and CanaryHosts open an incident about the jail that touches
	// them.
	CanaryFiles []string `json:"canary_files"`
	CanaryHosts []string `json:"canary_hosts"`
	// ActionLimits are what agents may do in the world unless their policy says
	// otherwise: see ActionLimit. Those that are built in are among them, or others
	// about the same.
	ActionLimits []ActionLimit `json:"action_limits"`
	// LimitRedis are the addresses of a Redis in which several hosts count what
	// agents do together; none counts on this host alone.
	LimitRedis []string `json:"limit_redis"`
	// LimitRedisUser and LimitRedisPassword are who this host is there; the latter
	// is a file, or credential:NAME.
	LimitRedisUser     string `json:"limit_redis_user"`
	LimitRedisPassword string `json:"limit_redis_password_file"`
	// LimitRedisTLS speaks TLS with it, and checks its certificate.
	LimitRedisTLS bool `json:"limit_redis_tls"`
	// LimitRedisCA is a file with the certificates, in PEM, of which one has signed
	// its; "" goes by those of this host.
	LimitRedisCA string `json:"limit_redis_ca_file"`
	// LimitHosts divides every limit while the Redis does not answer: how many
	// hosts share it. 0 refuses what is limited then.
	LimitHosts int `json:"limit_hosts"`
	// MaxJails bounds the jails that run at the same time.
	MaxJails int `json:"max_jails"`
	// Resolvers answer for allowed names; empty means /etc/resolv.conf.
	Resolvers []netip.AddrPort `json:"resolvers"`
	// SkillSources are where skills may come from without a person looking at
	// that: see CheckSource.
	SkillSources []string `json:"skill_sources"`
	// SkillUnsigned leaves a skill without a signature to a person; without it
	// such a skill is rejected.
	SkillUnsigned bool `json:"skill_allow_unsigned"`
	// SkillVerify rejects a skill whose signature does not count. Without it a
	// person decides.
	SkillVerify bool `json:"skill_require_verification"`
	// SkillPermissions is how many kinds of permissions a skill may have.
	SkillPermissions int `json:"skill_max_permissions"`
	// SkillSigners is how many principals must have signed a skill.
	SkillSigners int `json:"skill_required_signers"`
	// EgressUID and EgressGID are who clawjail-egress runs as. Nothing else
	// may run as this user.
	EgressUID uint32 `json:"egress_uid"`
	EgressGID uint32 `json:"egress_gid"`
	// GatewayUID is who clawjail-gateway runs as; it may read the counters.
	GatewayUID uint32 `json:"gateway_uid"`
	GatewayGID uint32 `json:"gateway_gid"`
	// AuthUID is who the sign-in runs as: the gateway's second process.
	AuthUID uint32 `json:"auth_uid"`
	AuthGID uint32 `json:"auth_gid"`
	// AgentUID and AgentGID are who an agent runs as when root starts it in a
	// workspace of root's.
	AgentUID uint32 `json:"agent_uid"`
	AgentGID uint32 `json:"agent_gid"`
}

// Duration is a time.Duration that is written as text ("10s") in JSON.
type Duration time.Duration

// MarshalJSON writes the duration as text.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// UnmarshalJSON reads it from text.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New(`a duration is text like "10s"`)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}

// Default is the configuration of a host that has none.
//
// The user ids are in the range that Debian leaves to site-local reservations
// (60000-64999); `make install` makes users of these ids.
func Default() Config {
	return Config{
		RunDir:              "/run/clawjail",
		StateDir:            "/var/lib/clawjail",
		Linger:              Duration(30 * time.Second),
		AuthEnabled:         true,
		AuthMFA:             MFAAdmins,
		StepUp:              StepUpNever,
		AuthSecretFile:      "/etc/clawjail/secrets/token",
		AuthAccess:          Duration(time.Hour),
		AuthSession:         Duration(12 * time.Hour),
		RateRequests:        100,
		RateWindow:          Duration(15 * time.Minute),
		Name:                "localhost",
		TLS:                 true,
		Certificate:         "/etc/clawjail/tls/cert.pem",
		Key:                 "/etc/clawjail/tls/key.pem",
		AuditEnabled:        true,
		OnAuditLoss:         AuditLossFreeze,
		OnSupervisorLoss:    SupervisorLossFreeze,
		SupervisorLossAfter: Duration(10 * time.Minute),
		AuditSegmentBytes:   64 << 20,
		AuditCheckpoint:     Duration(time.Minute),
		AuditRetain:         Duration(90 * 24 * time.Hour),
		DenialWindow:        Duration(time.Minute),
		ActionLimits:        DefaultActionLimits(),
		MaxJails:            512,
		SkillSources:        []string{"github.com/openclaw/", "local/verified/"},
		SkillVerify:         true,
		SkillPermissions:    5,
		SkillSigners:        1,
		EgressUID:           64901,
		EgressGID:           64901,
		GatewayUID:          64902,
		GatewayGID:          64902,
		AuthUID:             64903,
		AuthGID:             64903,
		AgentUID:            64900,
		AgentGID:            64900,
	}
}

// Socket is where the supervisor listens.
func (c Config) Socket() string { return filepath.Join(c.RunDir, "control.sock") }

// StatsSocket is where the gateway reads counters, and can do nothing else.
func (c Config) StatsSocket() string { return filepath.Join(c.RunDir, "stats.sock") }

// UserDir is where the people are kept who may sign in to the console. It is
// the sign-in's own, and not below StateDir, which only root can look into.
func (c Config) UserDir() string { return "/var/lib/clawjail-gateway/users" }

// ApproveSocket is where approvers see and decide what is held.
func (c Config) ApproveSocket() string { return filepath.Join(c.RunDir, "approve.sock") }

// AuditDir is where the audit log is.
func (c Config) AuditDir() string { return filepath.Join(c.StateDir, "audit") }

// KeyDir is where the keys of this host are.
func (c Config) KeyDir() string { return filepath.Join(c.StateDir, "keys") }

// JailDir is the state directory of one jail.
func (c Config) JailDir(id string) string { return filepath.Join(c.RunDir, "jails", id) }

// LogPath is where the output of a detached jail is kept.
func (c Config) LogPath(id string) string { return filepath.Join(c.StateDir, "logs", id+".log") }
