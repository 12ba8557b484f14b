// Package compiled is the form in which a policy crosses to the supervisor.
package compiled
