// Package compiler turns seccomp.Rules into filter bytes with libseccomp.
package compiler
