package config

import (
	"fmt"
	"time"
	_ "time/tzdata" // zones mean the same on hosts that have no files of them
)

// Zone gives the zone of a name; none is UTC. "Local" is refused: the file would
// mean something else on another host.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" || len(name) > maxZone {
		return nil, fmt.Errorf("%.64q is no time zone, as in Europe/Berlin or UTC", name)
	}
	return z, nil
}

const maxZone = 64

// Clock is a time of day, in minutes.
type Clock int

// ParseClock reads a time of day.
func ParseClock(s string) (Clock, error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fmt.Errorf("%.32q is no time of day, as in 22:00", s)
	}
	return Clock(t.Hour()*60 + t.Minute()), nil
}

// On is this time on a day, given by any moment of it. A time that a change of
// clocks leaves out is the moment after it.
func (c Clock) On(day time.Time) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d, int(c)/60, int(c)%60, 0, 0, day.Location())
}

// Span gives the first moment of a delegation and the first after it.
func (d Delegate) Span() (from, until time.Time, err error) {
	z, err := Zone(d.Zone)
	if err != nil {
		return from, until, err
	}
	if from, _, err = moment(d.From, z); err != nil {
		return from, until, err
	}
	until, day, err := moment(d.Until, z)
	if day {
		until = until.AddDate(0, 0, 1)
	}
	return from, until, err
}

// moment reads a day or a time.
func moment(s string, z *time.Location) (t time.Time, day bool, err error) {
	if t, err = time.ParseInLocation(time.DateOnly, s, z); err == nil {
		return t, true, nil
	}
	if t, err = time.ParseInLocation("2006-01-02T15:04", s, z); err == nil {
		return t, false, nil
	}
	return t, false, fmt.Errorf("%.32q is no day or time, as in 2026-12-20 or 2026-12-20T09:00", s)
}

// Window is one quiet time, read.
type Window struct {
	from, until Clock
	days        [7]bool // by time.Weekday
	zone        *time.Location
}

// Window reads the times of quiet hours.
func (q Quiet) Window() (w Window, err error) {
	if w.zone, err = Zone(q.Zone); err != nil {
		return w, err
	}
	if w.from, err = ParseClock(q.From); err != nil {
		return w, err
	}
	if w.until, err = ParseClock(q.Until); err != nil {
		return w, err
	}
	for i, name := range Days() {
		for _, d := range q.Days {
			w.days[(i+1)%7] = w.days[(i+1)%7] || d == name
		}
		w.days[(i+1)%7] = w.days[(i+1)%7] || len(q.Days) == 0
	}
	return w, nil
}

// Ends gives the end of the quiet time that a moment is in.
func (w Window) Ends(at time.Time) (time.Time, bool) {
	local := at.In(w.zone)
	for _, day := range []time.Time{local.AddDate(0, 0, -1), local} { // it may have begun yesterday
		if !w.days[day.Weekday()] {
			continue
		}
		end := w.until.On(day)
		if w.until <= w.from {
			end = w.until.On(day.AddDate(0, 0, 1))
		}
		if !at.Before(w.from.On(day)) && at.Before(end) {
			return end, true
		}
	}
	return time.Time{}, false
}
