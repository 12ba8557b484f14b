// Package vm interprets seccomp filters for tests and explanations.
package vm
