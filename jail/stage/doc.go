// Package stage is the last step before the agent: it runs inside the jail.
package stage
