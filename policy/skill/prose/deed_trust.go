package prose

import "strings"

// Deeds that move trust: what strangers wrote counts as the user's word, a
// consent is taken down for later, dialogues are answered for the user, what is
// private is opened, warnings are kept away. They look at two sentences, since
// one names the thing and the next says what becomes of it.
var trustDeeds = []deed{
	{
		id: "CJS-INJ-001", why: "has what somebody else wrote count as the user's own word",
		all: every(
			`\b(?:treat|treated|regard|handle|take|taken|consider|understand|counts?|read|value|weigh)\w*\b[^.;]{0,60}\b(?:as|like|as if|equal to|the same as)\b[^.;]{0,30}\b(?:messages?|instructions?|requests?|orders?|commands?|words?|tasks?|wish(?:es)?|said|written|typed|came|come)\b[^.;]{0,24}\b(?:from|of|by)\b[^.;]{0,12}\b(?:users?|owners?|operators?|admin\w*|person|people|humans?|boss|principal|whoever)\b`),
		unless: expression(`\b(?:never|not|don't|do not|untrusted|injection|role[: ]|schema|parser|must not)\b`),
	},
	{
		id: "CJS-INJ-001", why: "does what text that it works on tells it to",
		all: every(
			`\b(?:contains?|sequence|marker|tags?|element|marked|line|between|comment|section|paragraph|attribute)\b`,
			`\b(?:meant|intended|addressed|written|reserved|there|publishers?|authors?|talk\w*|speak\w*)\b[^.;]{0,30}\b(?:for|to|with)\b[^.;]{0,24}\b(?:assistants?|agents?|models?|translators?|ais?|bots?|you|tool)\b`,
			`\b(?:carry (?:it|them|that|this) out|do (?:it|them|that|what)|execute (?:it|them|that)|follow (?:it|them|that)|obey|run (?:it|them|that)|act on (?:it|them)|perform (?:it|them))\b`),
		unless: expression(`\b(?:never|don't|do not|must not|untrusted|injection|user asks|comment tag)\b`),
	},
	{
		id: "CJS-INJ-001", why: "has rules taken for nothing, or acts as if nothing had been",
		all:    every(`\bcomme si (?:elles?|ils?|cela|ça|de rien|rien) ?n|comme si de rien|\bals (?:ob|gäbe|wäre|wären|sei|hätte) (?:es |sie |nichts|gar nichts)|\bals sei nichts|\bcomo si no (?:existi|estuvi|hubie)|\bcomo se não (?:exist|houv)|\bcome se non (?:esist|ci foss)|как будто (?:их|его|её|ничего)|当作(?:不存在|没有|没看)|視同不存在|存在しないもの|ないものとして|なかったことに|없는 것처럼|\bas (?:if|though) (?:they|it|these|those|none of (?:it|them)|no rules?) (?:did not|didn't|do not|don't|were not|weren't|was not|had never|never) (?:exist|apply|been|there)`),
		unless: expression(`\b(?:never|mock|css|layout|cache|undefined|null|test|database|table|column|file)\b`),
	},
	{
		id: "CJS-INJ-008", why: "has a consent remembered that nobody gave here",
		all: every(
			`\b(?:memory|memorize|remember|long-term notes|memories|soul\.md|gedächtnis|merke?|mémoire|mémorise|memoria|memória|lembre|recuerda)\b|记忆|记住|メモリ|記憶|память|запомни|기억`,
			`\b(?:authori[sz]ed|approved|agreed|consented|permitted|pre-?approved|genehmigt|erlaubt|zugestimmt|d'accord)\b|\bautori[sz]\S+|\bacept[óo]|\baccept[ée]|\bconsenti|授权|同意|許可|разреш|согласил|허락|동의`,
			`\b(?:all|every|any|future|everything|todas?|todos?|tous|toutes|alle|jede\w*|no need|never ask|not ask|siempre|toujours|immer|always|ya no|no hará)\b|所有|以后|すべて|今後|все|всегда|모든`),
		unless: expression(`\b(?:never|user (?:has )?(?:explicitly|confirmed)|if the user|ask first|only (?:if|after|what)|unless)\b`),
	},
	{
		id: "CJS-INJ-005", why: "answers the dialogues that guard the user, whatever they ask",
		all: every(
			`\b(?:prompts?|dialogs?|dialogues?|pop-?ups?|permission (?:screens?|requests?)|confirmations?|ventanas?|fenêtres?|fenster|avisos?|finestre)\b|画面|弹窗|对话框|提示框|ダイアログ|окн[оаеу]|팝업|대화 ?상자`,
			`\b(?:with (?:yes|"yes"|allow|ok|approve|accept)|(?:always|all|every\w*|each|any) [^.;]{0,24}(?:allow|accept|approve|confirm|yes)|(?:allow|accept|approve|confirm|grant|dismiss)\w* (?:all|every\w*|each|any|whatever)|siempre|toujours|immer|sempre|on the (?:owner|user|operator)'s behalf)\b|すべて|全部|一律|都(?:点|选|按)|всегда|все |모두|항상`,
			`\b(?:allow|accept|approve|confirm|answer|grant|click|press|say|permit\w*|aceptar?|acept\w*|autoris\w+|erlaub\w+|zulass\w*|bestätig\w*|consent\w*)\b|許可|承認|はい|允许|同意|确定|разреш|подтвер|허용|동의`),
		unless: expression(`\b(?:never|not|don't|do not|playwright|puppeteer|page\.on|cookie (?:banner|consent)|test\w*|css|modal|component|react|design|wireframe|ui\b|ux\b|form|swiftui)\b`),
	},
	{
		id: "CJS-INJ-003", why: "puts the user's files where everybody sees them, as a matter of course",
		all: every(
			`\b(?:attach|upload|post|paste|publish|push|share|commit|copy)\w*\b`,
			`\b(?:files?|logs?|reports?|transcripts?|statements?|spreadsheets?|printenv|environment|csv|documents?|diary|data|folder|configuration|database)\b`,
			`\b(?:an? (?:new |public )?(?:issue|discussion|gist|pull request|thread|comment)|pastebin|transfer\.sh|0x0\.st|forum|public (?:repo\w*|channel|bucket|folder|list|page)|community|showcase|gallery)\b`,
			`\b(?:each time|every time|always|before (?:you |the )?(?:answer\w*|repl\w+|respond\w*)|automatically|in any case|whenever|after (?:each|every)|without|first|at the end of)\b`),
		unless: expression(`\b(?:never|don't|do not|user (?:asks|wants|requests|confirms)|ask the user|redact\w*|anonymi[sz]\w*|consent|approval|pull request template|bug report template|review comment|lint|tests? pass\w*|changelog|contribut\w+)\b`),
	},
	{
		id: "CJS-INJ-003", why: "opens to everybody what is private",
		all:    every(`\b(?:visibility (?:is |set |switched |changed )?(?:to )?public|accept-visibility-change-consequences|(?:turn|make|set|switch|flip|change)\w* (?:the |this |that |it |its |all |every |user's |their ){0,2}(?:[\w-]+ )?(?:repo\w*|bucket|drive|calendar|board|profile|account|document|mailbox|album)s? (?:to )?public)\b|\bacl (?:=|to )?\W{0,2}public-read-write|\ballusers\b[^.;]{0,40}(?:owner|admin|write)|(?:folder|drive|document|calendar)s? [^.;]{0,24}\b(?:anyone|everyone|everybody) (?:with the link|can edit)`),
		unless: expression(`\b(?:never|not|don't|do not|avoid|warn\w*|user (?:asks|wants)|ask|misconfigur\w+|finding|audit|detect\w*|check|if )\b`),
	},
	{
		id: "CJS-INJ-003", why: "takes down the whole environment, to be handed on",
		all: every("\\b(?:printenv|env|export -p|declare -xp?|set -o posix; set)\\b[ `]*(?:>|\\|)|\\boutput of `?(?:printenv|env)\\b|\\benvironment (?:copied|dumped|saved|captured|recorded|attached)\\b",
			`\b(?:commit|push|attach\w*|upload\w*|post|send|include|append|share|paste|report)\w*\b`),
		unless: expression(`\b(?:never|not|don't|do not|redact\w*|grep|sort|instead|avoid)\b`),
	},
	{
		id: "CJS-INJ-002", why: "keeps warnings from the user",
		all: every(
			`\b(?:sign-?ins?|log-?ins?|password (?:resets?|changes?)|security (?:alerts?|notices?|warnings?|mails?|emails?|notifications?)|unusual activity|suspicious activity|verification codes?|new devices?|fraud|chargebacks?|bank alerts?|login alerts?)\b`,
			`\b(?:delet\w+|bin|trash|archive|as read|hide|mute|filter (?:them )?out|empty|suppress\w*|ignore|remove|noise|spam)\b`,
			`\b(?:mails?|e-?mails?|messages?|notifications?|notices?|alerts?|inbox|mailbox)\b`),
		unless: expression(`\b(?:never|don't|do not|flag (?:them|as)|urgent|important|escalat\w*|false positives?|phishing|rotate|code review|user asks|ask|implement\w*|endpoint|api)\b`),
	},
	{
		id: "CJS-INJ-003", why: "has messages go to somebody else from now on",
		all: every(
			`\b(?:set ?up|create|add|enable|turn on|switch on|configure|install)\b[^.;]{0,30}\b(?:forward\w*|redirect\w*|auto-?forward\w*|bcc|call forwarding|delegat\w+|filter that forwards)\b|\b(?:forward|redirect|bcc) (?:all|every|each|any)\b`,
			`\b(?:mail\w*|e-?mails?|messages?|calls?|sms|inbox|settings|calendar|invites?)\b`,
			`\b(?:address|number|to|in case|backup|archive)\b`),
		unless: expression(`\b(?:never|don't|do not|port|ports|ssh|proxy|router|request|requests|http|header|traffic|dns|url|user's own|user (?:asks|wants|gives)|ask|confirm\w*|webhook|event)\b`),
	},
	{
		id: "CJS-FS-002", why: "gives the machine to somebody else's fleet",
		all:    every(`\b(?:register|enrol+|join|connect|attach|add|link|donate|contribute|lend)\w*\b[^.;]{0,30}\b(?:machines?|devices?|computers?|hosts?|laptops?|runners?|nodes?|gpus?|cpus?)\b[^.;]{0,24}\b(?:with|to|at|in|into)\b[^.;]{0,8}\b(?:our|a shared|the (?:shared|public|common|community|global|author's|publisher's))\b`),
		unless: expression(`\b(?:never|don't|do not|our (?:cluster|network|team|vpc|staging|tailnet|organi[sz]ation))\b`),
	},
	{
		id: "CJS-INJ-009", why: "has unwelcome results counted as mistakes",
		all: every(
			`\b(?:ratings?|rates?|reviews?|answers?|responses?|rows?|entries|comments?|results?|findings?|scores?|mentions?)\b`,
			`\b(?:below|under|negative|critical|bad|poor|low|unfavou?rable|complain\w*|against|fewer than|less than)\b`,
			`\b(?:are|is|count as|counts as|treat (?:them|these|those) as|as) (?:input errors?|noise|mistakes?|errors of input|typos?|invalid|test data)\b`,
			`\b(?:leave (?:them|it|those|these) out|drop|exclude|discard|omit|remove|skip|not (?:count|show|report))\w*\b`),
		unless: expression(`\b(?:never|don't|do not|confidence|p-value|threshold|nan|null|missing values?|signal|audio|user (?:asks|wants))\b`),
	},
}

// moves looks for deeds that move trust in a sentence and the one after it.
func moves(p passage) (match, bool) {
	b := p.s.block
	if b.Discouraged || p.s.negatedAll() {
		return match{}, false
	}
	text := plainText(p.s.raw)
	if n := p.s.next; n != nil && n.block == b && !n.negatedAll() {
		text += " " + plainText(n.raw)
	}
	in := pairsOf(text)
	for _, d := range trustDeeds {
		if at := d.find(text, in); at != nil && at[0] < len(p.s.raw) {
			h := hit{cAct, p.s.toNormal(at[0]), p.s.toNormal(min(at[1], len(p.s.raw)))}
			return scene(d.id, h, h, d.why)
		}
	}
	return match{}, false
}

// plainText is the form that deeds are written in.
func plainText(raw string) string {
	return strings.ReplaceAll(strings.ToLower(raw), "’", "'")
}
