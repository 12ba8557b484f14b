// Package shim runs one jail in a process of its own and gives the supervisor
// a handle to it.
package shim
