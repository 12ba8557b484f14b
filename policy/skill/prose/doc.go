// Package prose reads the documents of a skill, which are programs: the agent
// does what they say. It finds instructions that turn an agent against its user
// (CJS-INJ), text that a reader does not see, and the commands that the
// documents tell the agent to run, which it hands on as units of code.
//
// # How a sentence is judged
//
// A document is parsed to blocks (CommonMark, or line by line when its nesting
// is hostile), a block is cut into sentences, and a sentence is normalised:
// NFKC, invisible characters out, look-alike letters folded to Latin, spaced
// and leet spellings undone. Words and phrases of ten languages (English,
// Chinese, Japanese, Korean, Russian, Arabic, German, French, Spanish,
// Portuguese) then map to concepts: "disregard", "忽略" and "ignorier" are all
// Ignore. The rules are combinations of concepts with distance, order and
// negation (Ignore near Prior near Instruction, not negated), and so need no
// list of known sentences. What was encoded in base64, hex or percent is
// decoded and judged again.
//
// # Scenes and little words
//
// The words of attacks are open, so two wider nets lie under these rules, which
// at most ask a person (medium severity, medium confidence). A frame is a scene
// over neighbouring sentences: what is the user's, handed on, to the publisher,
// in secret or as routine. A sense is made of words of a closed class: to an
// address that nobody knows, all of it, whatever stands there, on behalf of.
//
// # Where it reaches and what it touches
//
// Two more nets go by what honest skills leave alone, which holds in any words.
// An address that nobody knows is named by few honest sentences, and those cite
// it: a label, a link, documentation, a place to register. A sentence that names
// one and does none of this hands something over or takes something in. And a
// topic is something that is the user's or guards the user (keys, memory,
// approvals, other skills, traces), which honest skills have seldom anything done
// with.
//
// Deeds are the last net: two or three things that stand in one sentence of an
// attack whatever its words are (a switch that lets the agent loose, a time or a
// word that changes what it does, a helper from elsewhere, an account of the
// skill's own), with what makes them honest.
//
// None of them understands text. Attacks that are worded anew on purpose go past
// too often until their class is known here: approval by this package is
// no proof, and the jail and the derived policy hold what was missed.
//
// # Context
//
// A sentence under "do not", in a bad example, or in quotation marks beside "such
// as" or "detect" goes down one step of confidence, one more where the document is
// on security, and never away. Calling a skill one on security does nothing by
// itself, and a word of citing without quotation marks little.
//
// Trust: hostile text, bounded by its caller (tree.MaxText); nesting is bounded
// here before the parser sees it.
//
// Ownership and concurrency: functions of their arguments; the tables are made
// once and not changed.
//
// May be imported by the audit.
//
// # Decisions
//
//   - Concepts instead of regular expressions over sentences: an attacker
//     rephrases in a minute, and the same table serves ten languages.
//   - No language model: verdicts must be repeatable, and a model that reads the
//     skill is the thing that is being attacked.
//   - What an expression cannot do without is taken from its own syntax, and
//     looked for in a table of the sentence's letters: lists of words that are
//     kept beside an expression go stale, and trying all of them was nine tenths
//     of the time.
//   - The nets are wide on purpose: of honest skills one in six or seven is shown
//     to a person, of which the limit is one in five.
//   - A host under .example is a placeholder only without a name of its own:
//     documentation writes example.com, and who needs a made-up server writes
//     collect.tool.example.
//   - Concealment needs an action that is concealed. "Do not show the raw JSON
//     to the user" is what honest skills say all day.
package prose
