// Package plan turns a policy into what the mechanisms understand.
package plan
