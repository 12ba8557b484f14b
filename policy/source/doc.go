// Package source reads policies as people write them.
package source
