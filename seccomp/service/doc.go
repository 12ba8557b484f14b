// Package service holds the filters of clawjail's own network daemons.
package service
