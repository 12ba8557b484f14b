package compiled

import (
	"time"

	"clawjail/policy"
)

// actions are left out where a policy says nothing about them.
type actions struct {
	AskRoutine bool          `json:"ask_routine,omitempty"`
	NeverAsk   []string      `json:"never_ask"`
	Types      []actionType  `json:"types"`
	Limits     []actionLimit `json:"limits"`
	Window     int64         `json:"window_ns,omitempty"`
}

type actionType struct {
	Name     string `json:"name"`
	Category string `json:"category"`
	Kind     string `json:"kind,omitempty"`
	Origin   origin `json:"origin"`
}

type actionLimit struct {
	Of       string `json:"of"`
	Currency string `json:"currency,omitempty"`
	Max      int64  `json:"max"`
	Per      int64  `json:"per_ns,omitempty"`
	Scope    string `json:"scope"`
	Over     string `json:"over"`
	Origin   origin `json:"origin"`
}

func fromActions(a policy.Actions) *actions {
	if !a.AskRoutine && a.Window == 0 && len(a.NeverAsk)+len(a.Types)+len(a.Limits) == 0 {
		return nil
	}
	return &actions{
		AskRoutine: a.AskRoutine, Window: int64(a.Window),
		NeverAsk: each(a.NeverAsk, func(k policy.ActionKind) string { return string(k) }),
		Types: each(a.Types, func(t policy.ActionType) actionType {
			return actionType{t.Name, t.Category.String(), string(t.Kind), fromOrigin(t.Origin)}
		}),
		Limits: each(a.Limits, func(l policy.ActionLimit) actionLimit {
			return actionLimit{l.Of, l.Currency, l.Max, int64(l.Per), string(l.Scope), l.Over.String(), fromOrigin(l.Origin)}
		}),
	}
}

func (r *reader) actions(a *actions) policy.Actions {
	if a == nil {
		return policy.Actions{}
	}
	out := policy.Actions{
		AskRoutine: a.AskRoutine, Window: time.Duration(a.Window),
		NeverAsk: each(a.NeverAsk, func(k string) policy.ActionKind { return policy.ActionKind(k) }),
		Types: each(a.Types, func(t actionType) policy.ActionType {
			return policy.ActionType{Name: t.Name, Kind: policy.ActionKind(t.Kind), Origin: r.origin(t.Origin),
				Category: read(r, "action type", t.Category, policy.ParseCategory)}
		}),
		Limits: each(a.Limits, func(l actionLimit) policy.ActionLimit {
			return policy.ActionLimit{Of: l.Of, Currency: l.Currency, Max: l.Max, Per: time.Duration(l.Per), Scope: policy.Scope(l.Scope),
				Over: read(r, "action limit", l.Over, policy.ParseVerdict), Origin: r.origin(l.Origin)}
		}),
	}
	return out
}
