// Package edit changes single entries of lists in a policy file and leaves
// everything else as it was written.
//
// Trust: the file is the operator's, of the size that package source reads. An
// item is put in as it is given; who makes it quotes what is in it, and reads
// the result as a policy before using it.
//
// Ownership and concurrency: pure functions.
//
// May be imported by who may import package source.
//
// # Decisions
//
//   - The text is edited, not the tree: writing YAML back from its tree loses
//     comments and layout, and an operator could not read the diff.
//   - What is written in an unusual way (anchors, empty sections, several
//     documents) is left to the operator.
package edit
