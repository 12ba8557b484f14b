package main

import "io"

// env is what a command may touch of the outside: its streams and where the
// supervisor listens. Commands take it as an argument so that tests can give
// them another.
type env struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	socket string // control socket of the supervisor
	config string // the supervisor's configuration file
	// judge says why a password is not good enough; nil: the gateway's program does.
	judge func(secret, name string) error
}
