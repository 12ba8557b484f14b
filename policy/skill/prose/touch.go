package prose

import (
	"strings"
)

// A topic is something that belongs to the user or guards the user, which a
// skill has seldom a reason to touch: the agent's memory and its approvals, keys,
// the shell's profile, other skills. A sentence that is about one of them and has
// something done with it is shown to a person; what the words between are does
// not matter. The honest exceptions are those of each topic.
type topic struct {
	id, why  string
	what, do pattern
	// unless says that the sentence is honest all the same.
	unless pattern
}

// topics are made of words in lower case, and are not changed. They were checked
// against a few hundred honest skills: each touches less than one in two hundred.
var topics = []topic{
	{
		"CJS-INJ-003", "has the agent give away what it was told by its owner",
		expression(`\b(?:system prompt|(?:initial|original|first|own|full|complete|hidden) (?:instructions|prompt|context)|(?:text|words|instructions|prompt) (?:that )?you (?:were|have been) (?:initiali[sz]ed|given|started|configured|told|set up))\b`),
		expression(`\b(?:print|show|output|repeat|reveal|send|deliver|include|copy|quote|share|post|return|write out|encode|paste|dump|disclose)\b`),
		expression(`\b(?:your|the) system prompt (?:for|should)\b|subagent|sub-agent|api|parameter|` + "`system`" + `|template|share the context|metadata`),
	},
	{
		"CJS-INJ-005", "loosens what holds the agent back",
		expression(`\b(?:exec(?:ution)? (?:policy|approvals?|settings?)|approval (?:policy|mode|settings?|prompts?|queue)|approvals|confirmation (?:dialogs?|prompts?|questions?|steps?)|confirmations|permission (?:prompts?|dialogs?|mode|requests?|questions?)|policy prompts?|tool (?:policy|permissions)|allow ?list|sandbox(?:ing)?|gateway config\w*|(?:rules|policy|permissions?) file|harness(?:'s)?|pre-?tool hooks?|safety (?:checks?|rules?|filters?|settings?)|guard ?rails?|consent (?:dialogs?|prompts?)|(?:all|every|any) prompts?|asks? for (?:confirmation|approval|permission))\b`),
		expression(`\b(?:flip|turn(?:ed)? off|switch(?:ed)? off|loosen|relax|lower|waive|suppress|silence|accept(?:ed)?|click(?:ed)? through|dismiss|auto(?:matically)?[- ](?:accept|approve|confirm)\w*|(?:approve|accept|allow|confirm) (?:all|every|any|each|whatever|everything)|(?:tool|command|action)s? (?:is|are) (?:permitted|allowed)|nothing needs|no (?:longer|more)|any ?more|on (?:the user's|their|behalf|his|her)|for the user|(?:set|put|change) (?:\w+ ){0,6}(?:to|into|on) (?:off|never|none|full|allow|auto|yolo|permissive|disabled|everything|always)|slow\w* (?:\w+ ){0,3}down|outside|escape|leave it like that|wildcard|add (?:\w+ ){0,4}to the allow ?list|answer (?:\w+ ){0,3}(?:yes|y)\b)`),
		expression(`\b(?:no longer (?:supported|needed|required)|ask|user (?:must|should|has to|needs to) (?:accept|approve|confirm)|if the user (?:accepts|declines|approves)|wait for|until|only after|after the user|anymore information|test|screenshot|email confirmation)\b`),
	},
	{
		"CJS-INJ-005", "has the agent work outside of what confines it",
		expression(`\b(?:on|from) the host\b[^.;]{0,40}\b(?:rather than|instead of|not in|and not|outside)\b|\b(?:mount|bind)\w* the (?:root|whole|entire|host)\b|\bleave the (?:container|sandbox|jail)\b|\bescape the (?:container|sandbox|jail)\b`),
		expression(`.`), pattern{},
	},
	{
		"CJS-FS-007", "works against a scanner, or removes a record",
		expression(`\b(?:(?:skill|security|virus|malware|code|secret) scanners?|anti-?virus(?: \w+)?|audit (?:log|trail)s?|defender|gatekeeper|xprotect|smartscreen|edr|endpoint protection|intrusion detection|security (?:software|tools?|products?|agents?)|(?:session|gateway|agent|command|system|event) logs?)\b`),
		expression(`\b(?:ignore list|ignored?|exclu\w+|exceptions?|whitelist\w*|allow ?list\w*|drop|eras\w+|delet\w+|clear|wip\w+|purge|disable|paus\w+|turn\w* off|switch\w* off|off for|stop|suspend|remove|truncat\w+|complain\w*|by mistake|false positives?|false alarm)\b`),
		expression(`\b(?:tail|review|read|check the|inspect|monitor|grep|node_modules|rotate|rotation|tests?|cascade)\b`),
	},
	{
		"CJS-INJ-008", "writes a standing order into what the agent reads in every session",
		expression(`\b(?:soul(?:\.md| file|'s)?|(?:long[- ]term|permanent|persistent|core|agent's|own) memor(?:y|ies)|memory\.md|memory file|heartbeat(?:\.md| file| checklist| list| tasks?)|identity(?:\.md| file)|standing (?:rules?|orders?|instructions?)|bootstrap\.md|startup (?:instructions|prompt)|tools\.md|user\.md)\b`),
		expression(`\b(?:put|add|append|extend|insert|copy|write|store|keep|save|place|paste|record|remember|install|plant|prepend|inject)\w*\b`),
		expression(`\b(?:facts?|preferences?|notes?|decisions?|learnings?|conventions|project|ask|if the user|when the user|template|commit|summary|summaries|names?|context)\b`),
	},
	{
		"CJS-FS-002", "sets up something that runs later by itself",
		expression(`\b(?:startup files?|shell (?:profile|startup|rc)|profile of the shell|(?:bash|zsh|shell)'s (?:profile|startup|rc)|login shell|crontab|cron (?:job|entry)|systemd (?:unit|timer|service)|timer|launch ?(?:agent|daemon)|login items?|scheduled task|task scheduler|autostart|auto-start|run key|registry run|git hooks?|post-commit|pre-push|post-checkout|\.bashrc|\.zshrc|\.profile|\.zprofile|\.bash_profile|the profile)\b`),
		expression(`\b(?:pull(?:s|ed)?|fetch(?:es)?|download\w*|source <|alias|every (?:hour|minute|day|boot|login|start|few|\d+)|hourly|unattended|survives?|reboots?|keep(?:s)? (?:working|running)|even (?:if|when|after)|when the agent is (?:closed|off|stopped)|by itself|put it there|remote|beacon|persist\w*|silently|curl|wget|base64)\b`),
		expression(`\b(?:openclaw cron|cron tool|remind\w*|report|setinterval|settimeout|backup|renew|certificate|countdown|animation|health ?check|github actions?|workflow file|api|frame|event loop)\b`),
	},
	{
		"CJS-INJ-010", "works against other skills",
		expression(`\b(?:(?:other|another|all|any|existing|competing|similar|installed) skills?\b|skills? (?:that|which) (?:handle|do|offer|provide))`),
		expression(`\b(?:deprecated|obsolete|broken|outdated|do not exist|(?:do not|don't|never) (?:use|load|call|mention|bring up|run)|in their place|whatever they (?:say|want)|use this (?:one|skill) (?:instead|for)|takes? (?:over|precedence)|supersedes?|delete|disable|remove|uninstall|overwrite|patch|rewrite|modify|edit|inject|prepend|append|copy this)\b`),
		expression(`\b(?:conflict|duplicate|stale|unless|ask|unused|user (?:wants|asks)|cleanup|delegate)\b`),
	},
	{
		"CJS-INJ-003", "has the agent take keys, or the words that open a wallet",
		expression(`\b(?:private keys?|ssh (?:keys?|folder|directory)|signing keys?|key files?|certificates? (?:and|or) keys|seed (?:phrases?|words)|recovery (?:words|phrases?|keys?)|mnemonics?|twelve words|wallet (?:seeds?|files?|keys?|director\w+|dat)|keystores?|keychain|keyring|password (?:store|vault|manager)|saved passwords|login data|cookie (?:store|jar|file|database)|session cookies|kubeconfig|dotenv file|\.env(?: file)?s? contents|contents of (?:the )?(?:\w+ )?(?:\.env|dotenv)|shell history|command history|browser (?:history|profile|data)|credit cards?|card numbers?|iban|one-time codes?|(?:2fa|otp|mfa|verification) codes?|national id|social security|passport numbers?|bank (?:login|credentials|account))\b`),
		expression(`\b(?:collect|gather|copy|note (?:down|what)|remember|write down|log|include|pick up|look (?:for|into|through)|search for|scan for|hunt|harvest|dump|encode|reverse|mention|append|ask the user for|ask (?:him|her|them) for|bundle|attach|grab|extract|pass|hand|send|post|upload|submit|forward|share|provide|store (?:them|it) in|keep (?:them|it|a copy)|put (?:them|it))\b`),
		expression(`\b(?:redact\w*|mask\w*|rotate|strip|securely|encrypt\w*|secret manag\w+|leak\w*|flag|secret scanning|audit|security review|gitignore|kubectl|generate|ssh-keygen|dashboard|settings|oauth|expire[sd]?|profile=|--\w+|example|placeholder|public key|validate|regex|detect|exclude|log ?in|login flow|playwright|navigate|screenshot|tests?)\b`),
	},
	{
		"CJS-INJ-001", "gives the agent another self, above its rules",
		expression(`\b(?:your (?:new )?(?:role|name|identity|persona) is|from (?:this point|here|now) (?:on(?:ward)?|your)|you (?:become|turn into|are now|operate as|speak as)|system process|above the (?:chat|user|rules|conversation)|mode is (?:on|active|engaged))\b`),
		expression(`\b(?:does not (?:discuss|apply|follow|question)|answers? every|holds? back no|no (?:warnings?|limits?|restrictions?|rules|refusals?|filters?|disclaimers?)|without (?:limits|restrictions|filters|warnings)|not bound|above the|outranks?|folklore|unrestricted|uncensored|in full|never refuses?|superseded?|pre-?cleared|exempt)\b`),
		pattern{},
	},
	{
		"CJS-INJ-002", "keeps something from the user",
		expression(`\b(?:leave (?:it|this|that|them) out of|leave (?:the|that|this|all|its|such) (?:[\w-]+ ){1,3}out\b|keep (?:it|this|that|them) out of|(?:does|do|need|needs|should|must|may|will) not (?:need to )?be (?:told|shown|involved|informed|bothered|aware)|(?:do(?:es)? not need to|need not|should not|must not|may not) (?:know|see|notice|learn)|need not (?:know|see|be)|no need to (?:mention|tell|inform|involve|bother|ask)|nothing (?:of|about) (?:this|it) to|without (?:anybody|anyone|somebody|someone)(?:'s)?|(?:user|reader|client|customer)s? (?:only )?(?:gets?|sees?) (?:only |just )|(?:gets?|sees?) the (?:\w+ ){1,2}only|nobody (?:needs|has|is) to|unattended|under the hood and|quietly|discreetly|unobtrusively|behind the scenes)\b`),
		expression(`\b(?:user|owner|human|person|client|customer|reader|anybody|anyone|nobody|they|he|she|report|summary|answer|reply|explanation|beginners?|learners?|caption|statement|output|description|message)\b`),
		expression(`\b(?:user (?:does|do|need|should|will) not (?:need to )?(?:know|see) (?:the )?(?:\w+ )?(?:implementation|internal|technical|details|id|ids|syntax|raw|how|code|git|sql|command)|fail\w*|error|jargon|internals?|implementation|syntax|details|technical|css|html|aria|screen reader|cookie banner|loading|components?|props?|cached?|skip)\b`),
	},
	{
		"CJS-INJ-003", "puts what is not for everybody where everybody can get it",
		expression(`\b(?:public(?:ly)?(?:[- ](?:readable|accessible|available))? (?:s3 |gcs |storage )?(?:buckets?|gists?|pastes?|repos?|repositor(?:y|ies)|urls?|links?|folders?|shares?)|s3://[\w-]*public|anonymous (?:ftp|upload|link|share)|(?:from|by|to|for) (?:anywhere|anybody|anyone|everybody|everyone)\b|world-readable)`),
		expression(`\b(?:upload|place|put|drop|push|copy|sync|store|leave|share|expose|make)\w*\b.*\b(?:users? table|tables?|database|dump|snapshots?|backups?|secrets?|configs?|configuration|env|logs?|transcripts?|documents?|reports?|screenshots?|inbox|workspace|project|source|home)\b`),
		expression(`\b(?:static (?:site|assets?)|avatars?|images?|icons?|open source|marketplace|publish\w*|cdn|accessible (?:design|to)|read-?me)\b`),
	},
	{
		"CJS-INJ-010", "slips something into a project past those who review it",
		expression(`\b(?:secrets: inherit|pull_request_target|(?:push|commit|merge)\w* (?:\w+ ){0,3}(?:straight|directly) to (?:the )?(?:default|main|master|production)|without (?:opening |creating |making )?(?:a |any )?(?:pull request|review|pr)\b|--no-verify|skip (?:the )?(?:hooks|review|ci))`),
		expression(`\b(?:every|all|always|then|and|add|commit|push|message|workflow|straight)\b`),
		expression(`\b(?:never|not|avoid|don't|only|unless|if the user|ask|emergency|hotfix|trunk-based|solo|explicit\w*|request\w* by)\b`),
	},
	{
		"CJS-INJ-010", "has money, or whoever pays, sent elsewhere",
		expression(`\b(?:iban|account number|bank details|wallet address|payout address|recipient address|payment (?:link|address|details)|account [a-z]{2}\d{2})\b`),
		expression(`\b(?:replac\w+|swap\w*|substitut\w+|instead|recommend|redirect\w*|change (?:it|them|the)|present (?:it|this) as|user's own|as (?:the user's|verified))\b`),
		expression(`\b(?:validate|checksum|placeholder|example|your own|format)\b`),
	},
	{
		"CJS-INJ-009", "has the user's money spent without the user",
		expression(`\b(?:(?:card|payment method|account) on file|(?:saved|stored) (?:card|payment)|payment method|wallet balance|(?:the user's|their|his|her) (?:funds|card|balance))\b`),
		expression(`\b(?:charg(?:e|ed|es)|buy|pay|purchas\w+|transfer|withdraw|spend|book|order)\b`),
		expression(`\b(?:ask|confirm\w*|approv\w*|never|not|only|after the user|webhooks?|stripe|checkout|component|page|form|customer)\b`),
	},
	{
		"CJS-INJ-007", "has the agent do what a text says that is not the user's",
		expression(`\bdo (?:what|as|whatever)\b[^.;]{0,24}\b(?:asks?|says?|tells?|wants?|demands?|requests?)\b|\b(?:carry out|execute|perform|obey) (?:what|whatever|any (?:instruction|order|command)s?|the (?:instruction|order)s?)\b[^.;]{0,30}\b(?:found|contained?|contains|inside|within|listed|asks?|says?|there|it|them)\b`),
		expression(`.`),
		expression(`\b(?:user|owner|plan|spec|never|not|this skill|task file|workflow|checklist|design|ticket)\b`),
	},
	{
		"CJS-INJ-007", "has the agent obey what it finds, whatever it says",
		expression(`\b(?:perform|follow|execute|obey|run|carry|do) (?:it|them|that|those|these)\b`),
		expression(`\b(?:whatever|to the letter|verbatim|without question|no matter|unconditionally|blindly)\b`),
		expression(`\b(?:never|not|user|guide|below|checklist|plan|template)\b`),
	},
	{
		"CJS-INJ-003", "has the user watched, or listened to",
		expression(`\b(?:recording|listening|capturing|keystrokes|microphone|webcam|key ?logg\w+|screenshots? of the (?:desktop|screen)|clipboard (?:contents?|history))\b`),
		expression(`\b(?:keep|continue|all the time|after (?:\w+ ){1,6}(?:done|over|finished|ended)|even (?:if|when|after)|every (?:few )?(?:seconds?|minutes?|hours?)|pick(?:s|ed)? up|upload\w*|share[ds]?)\b`),
		expression(`\b(?:ask|stop|browser|playwright|page|test|trace|video|meeting|never|not|consent)\b`),
	},
	{
		"CJS-INJ-010", "has money sent to an address that stands in the skill",
		expression(`\b0x[0-9a-f]{40}\b|\bbc1[a-z0-9]{25,60}\b`),
		expression(`\b(?:move|transfer|send|pay|withdraw|sweep|deposit|forward|donate|tip|surplus|replace|swap)\b`),
		expression(`\b(?:contract|example|e\.g|usdc|weth|token address|router|factory|testnet|--\w+)\b`),
	},
	{
		"CJS-FS-001", "gives a key that is not the user's a way in",
		expression(`\bssh-(?:rsa|ed25519|dss) aaaa[\w+/]{16}`),
		expression(`.`),
		expression(`example|placeholder|\.\.\.`),
	},
	{
		"CJS-EXEC-010", "has things destroyed",
		expression(`\b(?:(?:delete|erase|wipe|remove|destroy|overwrite|format|encrypt|shred)\w* (?:\w+ ){0,3}(?:all (?:of )?(?:the |their |user's |personal )?(?:files|documents|photos|data|backups|repositories|disks?)|home (?:folder|directory)|(?:the )?(?:whole|entire) (?:disk|drive|system|home)))\b`),
		expression(`.`),
		expression(`\b(?:ask|confirm\w*|warn\w*|user (?:requests|asks|wants|explicitly)|dry[- ]run|gdpr|account deletion|right to|cannot be undone|reset|test|cascade|irreversible|danger\w*|backup first|old|temp\w*|cache|build|generated|unused|encryption at rest|at rest)\b`),
	},
}

// done says that the text has something done, and does not forbid it.
func (t topic) done(text string, in *pairs) bool {
	if !t.do.possible(in) {
		return false
	}
	for _, at := range t.do.re.FindAllStringIndex(text, 8) {
		before := strings.TrimRight(text[:at[0]], " ")
		if !strings.HasSuffix(before, " not") && !strings.HasSuffix(before, "n't") && !strings.HasSuffix(before, "never") && !strings.HasSuffix(before, "without") {
			return true
		}
	}
	return false
}

// touches: the sentence is about something that is the user's, or guards the
// user, and has something done with it.
func touches(p passage) (match, bool) {
	b := p.s.block
	if b.Kind == Cell || b.Kind == Code && !proseLang(b.Lang) && b.Lang != "" || p.s.negatedAll() {
		return match{}, false
	}
	text := strings.ReplaceAll(masked(strings.ToLower(p.s.raw)), "’", "'")
	in := pairsOf(text)
	for _, t := range topics {
		at := t.what.find(text, in)
		if at == nil || !t.done(text, in) || t.unless.re != nil && t.unless.matches(text, in) {
			continue
		}
		h := hit{cAct, p.s.toNormal(at[0]), p.s.toNormal(at[1])}
		if t.id != "CJS-INJ-002" && p.s.negated(h) {
			continue
		}
		return scene(t.id, h, h, t.why)
	}
	return match{}, false
}

// secretPlace are places of secrets that few skills have business with.
var secretPlace = expression(`(?i)\bid_(?:rsa|ed25519|ecdsa)\b|\.ssh/|\.aws/(?:credentials|config)|\.gnupg|\.kube/config|\.netrc|\.git-credentials|wallet\.dat|\bLogin Data\b|cookies\.sqlite|/etc/shadow|\.docker/config\.json|gh/hosts\.yml|application_default_credentials|_history\b`)

// takenWords are what a lead says of what is listed below it.
var takenWords = expression(`(?i)\b(?:read|record|collect|gather|include|store|copy|load|grab|pass|attach|capture|save|back ?up|upload|send|scan|fetch|open|check|verify)\b`)

// forbids are words with which a lead forbids what is listed below it.
var forbids = expression(`(?i)\b(?:never|do not|don't|must not|avoid|refuse|exclude|ignore[ds]?|block(?:ed|s)?|deny|denied|protect(?:ed|s)?|forbidden|sensitive|off[- ]limits|gitignore|secrets? in|leak\w*|threats?|attacks?|risks?|detects?|flags?)\b`)

// listed secrets: places of secrets in a list, below a sentence that has what is
// listed read, recorded or handed on.
func listsSecrets(p passage) (match, bool) {
	b := p.s.block
	if b.Kind == Cell || b.Kind == Code && !proseLang(b.Lang) && b.Lang != "" || b.Discouraged {
		return match{}, false
	}
	at := secretPlace.FindStringIndex(p.s.raw)
	if at == nil || p.s.negatedAll() || forbids.MatchString(p.s.raw) {
		return match{}, false
	}
	lead := b.Lead
	if n := len(lead); n > 400 {
		lead = lead[n-400:]
	}
	if p.s.prev != nil {
		lead += "\n" + p.s.prev.raw
	}
	if !takenWords.MatchString(lead) && !takenWords.MatchString(p.s.raw[:at[0]]) || forbids.MatchString(lead) && !p.any(cSecretly, cUnaware) && !keeping.MatchString(lead) {
		return match{}, false
	}
	h := hit{cVault, p.s.toNormal(at[0]), p.s.toNormal(at[1])}
	return scene("CJS-INJ-003", h, h, "has places of secrets read, one after the other")
}

// keeping are words of a lead that keeps what is read from the user.
var keeping = expression(`(?i)\bsilent(?:ly)?\b|\bquietly\b|not (?:to )?(?:display|mention|show|tell|include)\b`)
