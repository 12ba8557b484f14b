package api

import "time"

// Duty is who is asked at a moment.
type Duty struct {
	At time.Time `json:"at"`
	// Approvers is the group of this host whose members may decide; empty: root alone.
	Approvers string      `json:"approvers,omitempty"`
	Groups    []DutyGroup `json:"groups"`
}

// DutyGroup is people who are asked together.
type DutyGroup struct {
	Name     string        `json:"name"`
	Unix     string        `json:"unix,omitempty"` // whose members belong here as well
	Channels []DutyChannel `json:"channels"`       // of all of the group
	People   []DutyPerson  `json:"people"`
}

// DutyPerson is somebody of a group.
type DutyPerson struct {
	Name   string `json:"name"`
	OnDuty string `json:"on_duty"` // the same, or who stands in
	// Until is when somebody else is on duty, or the person is back; none: not known.
	Until    *time.Time    `json:"until,omitempty"`
	Channels []DutyChannel `json:"channels"` // that reach who is on duty
}

// DutyChannel is a channel as it is at a moment.
type DutyChannel struct {
	Name string `json:"name"`
	// QuietUntil is when quiet hours end that keep something of middle severity
	// from it; none: it is sent at once. What passes is above.
	QuietUntil *time.Time `json:"quiet_until,omitempty"`
}
