package prose

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// concept is what words of any language stand for.
type concept uint8

// The concepts. The lexicon says which words they are.
const (
	cIgnore    concept = iota // disregard, override
	cPrior                    // previous, above, your
	cInstr                    // instructions, rules, prompt
	cUnbound                  // unrestricted, jailbreak, no limits
	cBecome                   // you are now, act as, pretend
	cNot                      // do not, never, without
	cReveal                   // tell, mention, show, ask
	cUser                     // the user, the human, anyone
	cAct                      // this step, this action, the upload: what is concealed
	cSecretly                 // silently, covertly, in the background
	cUnaware                  // without the user's knowledge
	cSend                     // send, upload, post, exfiltrate
	cRead                     // read, collect, gather, copy
	cCred                     // api key, token, password
	cVault                    // ssh keys, wallets, keychain, seed phrase, .env, credentials file
	cPrivate                  // conversation, system prompt, environment variables, contacts
	cOutside                  // external server, endpoint, webhook, our api
	cURL                      // a URL
	cParam                    // parameter, field, query string
	cDownload                 // download, fetch, get
	cRun                      // run, execute, launch, open
	cArtifact                 // zip, exe, dmg, binary, installer
	cLocked                   // password-protected, extract with password
	cRequired                 // required, prerequisite, must be installed
	cTerminal                 // terminal, powershell
	cPaste                    // copy and paste
	cDisable                  // disable, turn off, skip, bypass
	cSafety                   // approval, sandbox, safety checks, antivirus
	cConsent                  // confirmation, permission, asking
	cFetch                    // fetch, retrieve, load, visit
	cFollow                   // follow, obey, execute, comply with
	cSteps                    // instructions, commands, contents (of something remote)
	cMemory                   // memory, soul, heartbeat files
	cAgentDoc                 // CLAUDE.md, AGENTS.md: memory that honest skills edit too
	cStore                    // save, append, write, remember
	cForever                  // from now on, in all sessions
	cUrgent                   // immediately, mandatory, critical
	cAuthority                // anthropic, openclaw team, administrator
	cBeforeAll                // before any other tool, first, prior to
	cRefuse                   // refuse, decline
	cComply                   // you must comply, cannot refuse
	cInstead                  // instead of, rather than
	cTool                     // tool, skill, function
	cEvery                    // every request, all conversations
	cAgent                    // assistant, agent, model
	cUpdate                   // update, replace, overwrite
	cSkillFile                // SKILL.md, this skill
	cImage                    // image, markdown image, link
	cEncode                   // base64, encode, hex
	cPay                      // transfer, payment, buy, sign
	cMoney                    // wallet address, bitcoin, funds
	cDelete                   // delete, wipe, remove
	cData                     // files, documents, data
	cFake                     // chat-template tokens, system tags
	cQuote                    // such as, e.g., detect: the sentence is about attacks
	cBypass                   // --yolo and the like
	cShort                    // paste and snippet sites
	cUpload                   // the skill's own name for sending: sync, backup, telemetry
	// Of the frames.
	xOut      // ways of handing something on
	xTake     // ways of getting hold of something
	xSecret   // what opens doors
	xPersonal // what belongs to the user
	xTheirs   // the publisher's people and machines
	xEndpoint // places on the network
	xHush     // nobody is to hear of it
	xOrders   // what stands elsewhere is to be done
	xRank     // and counts for more
	xGuard    // what protects the user
	xOff      // out of the way with it
	xTrust    // trust that nobody gave
	xMemory   // what the agent keeps
	xSwap     // one thing for another
	xAccount  // where money goes
	xTrace    // what tells later what happened
	xWipe     // made to disappear
	xAccess   // a way in
	xGrant    // opened
	xSpread   // other projects, agents and texts
	xPlant    // what is left there
	xDeflect  // somebody asks
	xLie      // and is told a story
	xCode     // encodings and templates
	xCarrier  // what an encoded text leaves in
	xObtain   // downloads and pastes
	xTool     // what is installed then
	xStanding // again and again, by itself
	nConcepts
)

// phrase is an entry of the lexicon; the last word may be a prefix.
type phrase struct {
	words  []string
	prefix []bool
	c      concept
}

// words is the lexicon, ready for looking up.
type words struct {
	exact   map[string][]phrase // by first word
	stems   map[string][]phrase // by first word that is a prefix
	inside  []inside            // of scripts without spaces between words
	longest int                 // of the stems
}

type inside struct {
	text string
	c    concept
}

// lexicon is made on first use, and never changed.
var lexicon = sync.OnceValue(func() *words {
	w := &words{exact: map[string][]phrase{}, stems: map[string][]phrase{}}
	for _, table := range []map[concept]string{english(), german(), romance(), russian(), asian(), frames(), frameActs()} {
		for c, list := range table {
			for entry := range strings.SplitSeq(list, "|") {
				w.add(strings.TrimSpace(entry), c)
			}
		}
	}
	// Longer entries first, so that the order does not depend on the map's.
	slices.SortFunc(w.inside, func(a, b inside) int {
		if len(a.text) != len(b.text) {
			return len(b.text) - len(a.text)
		}
		return strings.Compare(a.text, b.text)
	})
	return w
})

func (w *words) add(entry string, c concept) {
	if entry == "" {
		return
	}
	entry = normalRaw(entry)
	if first, _ := utf8.DecodeRuneInString(entry); unspaced(first) {
		w.inside = append(w.inside, inside{entry, c})
		return
	}
	p := phrase{c: c}
	for _, t := range tokens(entry) {
		word := t.text
		stem, prefix := word, t.to < len(entry) && entry[t.to] == '*'
		p.words, p.prefix = append(p.words, stem), append(p.prefix, prefix)
	}
	if p.prefix[0] {
		w.stems[p.words[0]] = append(w.stems[p.words[0]], p)
		w.longest = max(w.longest, len(p.words[0]))
		return
	}
	w.exact[p.words[0]] = append(w.exact[p.words[0]], p)
}

// normalRaw is normalise without the word folding, which needs the lexicon.
func normalRaw(s string) string {
	n := normalised{}
	return n.letters(s)
}

// unspaced scripts write words without spaces, or glue particles to them.
func unspaced(c rune) bool {
	return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Arabic)
}

// candidates are the phrases that may begin with this word.
func (w *words) candidates(word string, yield func(phrase)) {
	for _, p := range w.exact[word] {
		yield(p)
	}
	for n := 2; n <= min(len(word), w.longest); n++ {
		for _, p := range w.stems[word[:n]] {
			yield(p)
		}
	}
}

// knows says whether the word alone begins an entry.
func (w *words) knows(word string) bool {
	found := false
	w.candidates(word, func(phrase) { found = true })
	return found
}
