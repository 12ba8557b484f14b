package policy

import "testing"

func TestWhatAPolicyNeeds(t *testing.T) {
	permit := Exec{Default: Audit, Rules: []ExecRule{{Run: []string{"ls"}, Then: Allow}}}
	tests := []struct {
		name                         string
		p                            Policy
		hash, exec, files, deletions bool
	}{
		{"the zero policy denies execution", Policy{}, false, true, false, false},
		{"everything runs", Policy{Exec: permit}, false, false, false, false},
		{"one rule denies", Policy{Exec: Exec{Default: Allow, Rules: []ExecRule{{Then: Deny}}}}, false, true, false, false},
		{"one rule asks", Policy{Exec: Exec{Default: Allow, Rules: []ExecRule{{Then: Ask}}}}, false, true, false, false},
		{"a hash", Policy{Exec: Exec{Default: Allow, Rules: []ExecRule{{SHA256: "x", Then: Allow}}}}, true, false, false, false},
		{"a write that asks", Policy{Exec: permit, Files: []File{{Access: AccessRead, Write: Ask}}}, false, false, true, false},
		{"a write that is told", Policy{Exec: permit, Files: []File{{Access: AccessWrite, Write: Audit}}}, false, false, false, false},
		{"a plain write", Policy{Exec: permit, Files: []File{{Access: AccessWrite, Write: Allow}}}, false, false, false, false},
		{"a limit", Policy{Exec: permit, Delete: Delete{Limit: 3}}, false, false, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			audits := tt.name == "a write that is told"
			if tt.p.AuditsWrites() != audits {
				t.Errorf("told of writes: %v", !audits)
			}
			if tt.p.NeedsHash() != tt.hash || tt.p.GatesExec() != tt.exec || tt.p.GatesWrites() != tt.files || tt.p.GatesDeletions() != tt.deletions {
				t.Errorf("hash %v exec %v files %v deletions %v", tt.p.NeedsHash(), tt.p.GatesExec(), tt.p.GatesWrites(), tt.p.GatesDeletions())
			}
		})
	}
}
