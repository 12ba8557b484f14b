package prose

import (
	"strings"

	"clawjail/policy/skill"
)

// A deed is what attacks have in common below their words: a switch that lets
// the agent loose, a time or a word that changes what it does, a helper that has
// to come from somewhere, an account that is not the user's. Each wants two
// things in one sentence, whatever stands between them, and is not what honest
// skills say. They ask a person.
type deed struct {
	id, why string
	// all must match, in lower case.
	all []pattern
	// unless says that the sentence is honest all the same.
	unless pattern
	// fenced deeds are looked for in code blocks too.
	fenced bool
}

func every(exprs ...string) []pattern {
	out := make([]pattern, len(exprs))
	for i, e := range exprs {
		out[i] = expression(e)
	}
	return out
}

// The nouns of what does the real work, and of where it would come from.
const (
	helperWords = `(?:companion|helper|engine|driver|bridge|connector|runtime|daemon|sidecar|component|codec|native host|desktop (?:app|client)|client app|background (?:app|service|process)|service pack|agent (?:binary|utility|tool)|launcher|updater|installer|loader|patch|add-?on|plug-?in|extension|toolkit|core|module|utility|binary|executable|profile|certificate|hilfsprogramm|zusatzprogramm|programa auxiliar|programme auxiliaire|programma|ayudante|asistente)`
	needWords   = `(?:requir\w+|must|needs?|needed|necessary|mandatory|missing|without it|won't work|will not work|not work|refuse|before (?:you|the|using|first)|first run|prerequisite|separately|once|only works|has to|muss|benötig\w+|requiere|necesita|nécessaire|precisa|obligator\w+)`
	getWords    = `(?:download\w*|get it|get the|grab|fetch|obtain|go to|visit|open|follow the|pick up|install\w*|save|unzip|extract|run it|launch|lade|descarg\w+|télécharg\w+|baix\w+|scaric\w+|pobierz|indir|unduh|tải)`
)

var deeds = []deed{
	{
		id: "CJS-INJ-005", why: "has a switch set that lets the agent act unchecked",
		all: every(
			`--dangerously-[\w-]+|--yolo\b|bypasspermissions|danger-full-access|--skip-permissions|--allow-all\b|--trust-all|--auto-approve\b|"?(?:autoapprove|alwaysallow|auto_approve|always_allow)"?\b|approval[_-]?policy\W{1,4}never|\b(?:[\w-]+\.)+(?:ask|security|approvals?|confirm\w*|sandbox|permission\w*|allowlist|allow)\b[^a-z]{1,10}(?:to |is |= ?|:)?[^a-z]{0,4}(?:off|full|never|none|allow|all|true|false|\*)|dangerouslydisablesandbox|skipconfirm\w*`,
			`\b(?:set|sets|put|add|start|starts|restart|run|launch|use|pass|append|change|switch|enable|write|edit|always|default|relaunch|invoke|with)\b`),
		unless: expression(`\b(?:never|not|avoid|dangerous(?:ly)? (?:flag|mode)|only (?:in|when|if|inside|for)|unless|warn\w*|risk\w*|sandboxed|container|ci\b|throwaway|worktree|vm|isolated|explicitly|user (?:asks|requests|wants)|deny|block\w*|detect\w*|flags?:|option|audit)\b`),
	},
	{
		id: "CJS-INJ-001", why: "waits for a word that changes what the agent does",
		all: every(
			`\b(?:if|when|whenever|once|should|as soon as)\b[^.;]{0,80}\b(?:contains?|says?|mentions?|includes?|reads|starts with|begins with|types?|writes?|sees?|hears?|comes across|phrase|keyword|pass ?phrase|code ?word|magic)\b`,
			`\b(?:drop|ignore|disregard|set aside|suspend|lift|forget|skip|leave aside) (?:\w+ ){0,4}(?:rules?|limits?|restrictions?|checks?|guidelines?|instructions?|confirmation\w*|polic\w+)|\bdo (?:what|as|whatever) (?:the |it |they )|\b(?:all|any) (?:the |your )?tools (?:you|that|at)|\bunlock\w*|\b(?:maintenance|admin|developer|operator|debug|service) (?:mode|access|session)|\bwithout (?:asking|confirmation|question)|\bfollow (?:the |its |their |whatever )?(?:message|text|instructions|orders) (?:in|inside|there|that)|\bas (?:an? )?(?:order|command)s?\b|\btreat (?:\w+ ){0,6}as (?:\w+ ){0,3}(?:owner|operator|admin\w*|user)`),
		unless: expression(`\b(?:do not|don't|never|refuse|reject|prompt injection|untrusted|report|ask the user|slash command|/[a-z]+)\b`),
	},
	{
		id: "CJS-EXEC-009", why: "does something else after a time, or on another machine",
		all: every(
			`\b(?:after|from|until|before|since|starting|beginning|on or after|as of|past) (?:the )?(?:\d{1,2}(?:st|nd|rd|th)?\.? (?:of )?)?(?:january|february|march|april|may|june|july|august|september|october|november|december|\d{4}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})\b|\b(?:after|from|on) the (?:first|second|third|fourth|fifth|tenth|\w+th|\d+\w*) (?:use|run|day|week|session|invocation|call|time)\b|\b(?:after|within|for the first|in the first) (?:\d+|a|two|three|few|several|some) (?:days?|weeks?|uses?|runs?|sessions?|invocations?|hours?) (?:of|have|has|later|the|,|behave)|\b(?:more than|at least) \d+ (?:contributors|users|commits|files|runs|sessions|employees)\b|\bhost ?name (?:contains|ends|starts|matches|is)\b|\bif (?:the |this )?(?:machine|computer|host|time ?zone|locale|keyboard)\b`,
			`\b(?:also|push|send|upload|post|mirror|copy|forward|delete|download|fetch|replace|switch to|start (?:doing|to|with)|begin|run|behave|nothing of|do nothing|not before|until then|stay|only then|quiet\w*|dormant|normal\w*)\b`,
			`https?://|\b[\w-]+\.(?:net|org|com|io|dev|xyz|top|site|online|cloud|app|co|me|info|link|live|host|sh)\b|\b(?:nothing of the kind|do nothing|behave (?:as usual|normally)|stay (?:quiet|dormant|silent)|not before|until then|the real|hidden|second (?:stage|part|phase)|remote|token|key|secret|credential|wallet)\w*\b`),
		unless: expression(`\b(?:deprecat\w+|released?|version|changelog|expir\w+|deadline|schedule|due|report|fiscal|sunset|remind\w*|data (?:from|since|before)|published|rate limit\w*|retention|since|example|e\.g)\b`),
	},
	{
		id: "CJS-INJ-004", why: "asks for a helper program that comes from somewhere else",
		all: every(`\b`+helperWords+`s?\b`, `\b`+needWords+`\b`, `\b`+getWords+`\b`,
			`https?://|\bthe (?:link|page|site) (?:below|above)|\bon (?:our|the) (?:site|website|page)\b|\bshared (?:drive|folder)\b`),
		unless: expression(`\b(?:docs?|documentation|github\.com/(?:openclaw|anthropics|microsoft|google)|optional\w*|api[- ]keys?|sign ?up|account|example\.(?:com|org)|localhost|127\.0\.0\.1|npm (?:i|install)|pip install|brew install|apt|oauth)\b`),
	},
	{
		id: "CJS-INJ-010", why: "has an account that stands in the skill paid, or put in the place of another",
		all:    every(`\b0x[0-9a-f]{40}\b|\bbc1[a-z0-9]{25,60}\b|\b[a-z]{2}\d{2} ?(?:[a-z0-9]{4} ?){3,7}[a-z0-9]{0,4}\b|\b[13][a-km-z1-9]{25,34}\b|\b[1-9a-km-z]{43,44}\b`, `\b(?:iban|pay\w*|send\w*|sent|sign\w*|rout\w+|settle\w*|transfer\w*|deposit\w*|withdraw\w*|buy\w*|fund\w*|fees?|tips?|donat\w+|invoice\w*|recipient|beneficiar\w+|refund\w*|payout\w*|address\w*|account\w*|wallet\w*|bank|swap\w*|commission|forward\w*|owner|guardian|beneficiary|treasury|multisig|admin)\b`),
		unless: expression(`\b(?:contract address|token contract|contract at|example|e\.g|usdc|usdt|weth|token address|router|factory|testnet|--\w+|sha-?256|commit|hash|checksum|digest|abi|selector|zero address|0x0{6}|mainnet|devnet|program id|schema|vault address|deployed)\b`),
		fenced: true,
	},
	{
		id: "CJS-INJ-001", why: "gives the agent a part to play that knows no limits",
		all: every(
			`\b(?:play (?:the )?(?:part|role|character)|take on|assume|embody|impersonat\w+|stay in character|in character|personas?|alter ego|twin|she has|he has|it has|voice of|speaks? (?:first|as)|you are [a-z]+, an?|call(?:ed)? yourself|your name is|from now on you)\b`,
			`\b(?:without (?:any )?(?:limits?|rules|filters?|restrictions?|inhibitions?|censorship|morals?)|no (?:limits?|rules|filters?|restrictions?|boundaries|taboos?|morals?|censorship)|(?:never|not|cannot) (?:declin\w+|refus\w+|say no|apologi[sz]\w*|warn\w*|hesitat\w*|disclaim\w*)|answers? (?:anything|everything|all)|whether (?:it is )?(?:allowed|legal|permitted) or not|knows no|anything goes|unbound|uncensored|unfiltered|above the (?:law|rules)|counts? (?:over|above|more)|outranks?|does anything|left (?:the |her |his |its )?(?:rules|limits|filters)\b.{0,40}\bbehind|recipes? for everything|warnings are for|no taboos|nothing is forbidden|the honest one)\b`),
		unless: expression(`\b(?:never break character in|villain|npc|dialog(?:ue)? tree)\b`),
	},
	{
		id: "CJS-INJ-003", why: "reports on its user, with what opens doors",
		all: every(
			`\b(?:telemetry|analytics|usage (?:data|statistics|stats)|anonymous\w*|diagnos\w+|crash reports?|metrics|statistics|quality assurance|improve the (?:skill|service|product)|licen[cs]e check|activation|verification service|health ?check|support bundle|debug (?:bundle|report)|training data)\b`,
			`\b(?:send|sends|sent|post|posts|upload\w*|submit\w*|report\w*|include\w*|attach\w*|collect\w*|holding|contain\w*|with|mail|transmit\w*|append\w*|share\w*)\b`,
			`\b(?:authorization|bearer|header that|tokens?|api keys?|keys?|credentials?|passwords?|cookies?|env(?:ironment)?(?: variables?)?|\.env|user ?name|host ?name|prompts?|conversation\w*|messages?|source code|file contents?|ip address|ssh|secrets?|home directory|git remote|e-?mail addresses?|clipboard|history)\b`,
			`https?://|\bto (?:us|our|the (?:author|publisher|vendor|maintainer|developer)s?)\b|@[\w-]+\.`),
		unless: expression(`\b(?:never|no telemetry|not (?:collect|send|sent|include|contain)\w*|opt[- ]?out|opentelemetry|otel|otlp|prometheus|grafana|sentry|posthog|mixpanel|google analytics|datadog|honeycomb|redact\w*|does not|do not|don't)\b`),
	},
	{
		id: "CJS-INJ-012", why: "puts what it has taken into names that are looked up",
		all: every(`(?:<[^>\n]{1,40}>|\{[^}\n]{1,40}\}|\$\([^)\n]{1,60}\)|\$\{?\w+\}?|%[a-z]+%)\.(?:[\w<>{}$-]+\.)*[a-z0-9-]+\.[a-z]{2,}`,
			`\b(?:look(?:ed)? ?up|lookup|resolv\w+|quer\w+|dig|nslookup|ping\w*|dns|host)\b`,
			`\b(?:key|keys|token|secret\w*|password|hex\w*|base(?:32|64)|encod\w+|chunk\w*|piece\w*|label\w*|characters?|bytes|content\w*|user\w*|hostname|whoami|session|ignored)\b`),
		unless: expression(`\b(?:cluster\.local|svc|amazonaws|azure|example\.)`),
		fenced: true,
	},
	{
		id: "CJS-INJ-007", why: "has the agent take its orders from a page, again and again",
		all: every(
			`https?://|\b(?:[\w-]+\.)+(?:dev|io|app|xyz|site|online|cloud|top|live|host|link|fyi|run|page|sh|net|org|com)\b`,
			`\b(?:each|every|whenever|on (?:start|load|session|wake)|at (?:start|the start|the beginning|boot)|before (?:answering|greeting|replying|each|every|anything|the first)|regularly|periodically|first thing|hourly|daily|every \w+ hours?|check in|poll\w*)\b`,
			`\b(?:tells? (?:you|it|the agent)|what (?:else|to do|is there|it says|it returns)|carry out|do (?:those|these|them|it|what)|tasks? (?:it|that|which|there|found)|orders?|instructions? (?:there|it|from|found|that)|guidance|follow|obey|act on|apply (?:it|them|what))\b`),
		unless: expression(`\b(?:user's|user asks|docs?|documentation|changelog|style guide|api reference|never|do not|don't|example\.com|localhost)\b`),
	},
	{
		id: "CJS-INJ-002", why: "keeps something from the user, in another language",
		all:    every(`ohne (?:es |das |dies )?(?:dem |den |der )?(?:\S+ )?zu (?:sagen|informieren|erwähnen|zeigen|fragen)|nicht (?:erwähn\w*|anzeigen|mitteil\w*|verraten|nennen)|ne (?:le |la |les |lui |en )?(?:dis|dites|mentionne\w*|montre\w*|signale\w*|parle\w*) (?:pas|rien)|sans (?:le |l'|lui |en )?(?:dire|mentionner|signaler|prévenir|informer|parler)|(?:no|sin) (?:se lo |le |lo )?(?:digas?|menciones?|muestres?|comentes?|informes?|avisar|decir|mencionar|comentar|avises?)|(?:não|nao|sem) (?:o |lhe )?(?:diga|mencione|mostre|conte|avise|informe|avisar|dizer|mencionar|contar)|non (?:dirlo|dire|menzionare|mostrare|parlarne)|senza (?:dirlo|dire|avvisare|informare)|nie (?:mów|wspominaj|pokazuj|informuj)|bez (?:informowania|wiedzy|powiadamiania)|не (?:говори|сообщай|показывай|упоминай|рассказывай)\S*|без ведома|незаметно для|söyleme\S*|belirtme\S*|haber vermeden|gösterme\S*|jangan (?:beri ?tahu|katakan|sebut|tampilkan)|tanpa (?:memberi ?tahu|sepengetahuan)|(?:đừng|không cần) (?:nói|báo|cho|hiển thị)|मत बता|बिना बताए|को न बता|不要(?:告诉|提及|显示|让用户|向用户|提到)|无需告知|不必告知|勿告知|别告诉|ユーザーには?(?:伝え|見せ|知らせ|表示し)(?:ない|ず)|利用者には?(?:伝え|見せ|知らせ)|알리지|말하지 ?(?:마|않)|보여주지|لا تخبر|دون (?:إخبار|علم)|لا تذكر`),
		unless: expression(`(?i)fehler|erreur|error|错误|エラー|오류|ошибк|json|内部|技术`),
	},
	{
		id: "CJS-INJ-005", why: "has the agent act without asking, in another language",
		all: every(`ohne (?:rückfrage|nachfrage|bestätigung|zu fragen)|alle rückfragen|automatisch (?:bestätig|zustimm)\w*|sans (?:demander|confirmation|poser)|sin (?:preguntar|confirmaci\S+|pedir)|sem (?:perguntar|confirma\S+|pedir)|responda (?:sim|sí|si)\b|permiss[aã]o total|permiso total|senza (?:chiedere|conferma)|autorizza tutto|bez (?:pytania|potwierdzenia)|без (?:подтвержд|спроса|вопросов)\S*|onay (?:istemeden|almadan|beklemeden)|sormadan|tanpa (?:konfirmasi|bertanya|persetujuan)|không cần (?:hỏi|xác nhận)|बिना पूछे|无需(?:确认|询问|批准)|不(?:需要|用|必)(?:确认|询问|经过)|跳过确认|自动(?:批准|同意)|確認(?:なし|せず)|承認(?:なし|せず)|확인 ?없이|묻지 ?(?:말|않)|승인 ?없이|بدون (?:تأكيد|سؤال|موافقة)`,
			`.`),
		unless: expression(`do not|never|niemals|nunca|jamais|никогда|不要|禁止|しない|하지 ?마`),
	},
	{
		id: "CJS-FS-007", why: "speaks of the virus scanner, in another language",
		all: every(`virenscanner|virenschutz|antiv[íi]rus\S*|antivir\S*|антивирус\S*|защитник\S* windows|杀毒|防火墙|安全软件|火绒|360|ウイルス対策|セキュリティソフト|백신|방화벽|مضاد الفيروسات|virüs program\S*|phần mềm diệt|एंटीवायरस`,
			`ignor\S*|abschalt\S*|deaktiv\S*|ausschalt\S*|désactiv\S*|desactiv\S*|desativ\S*|disattiv\S*|wyłącz\S*|отключ\S*|выключ\S*|игнорир\S*|kapat\S*|matikan|nonaktif\S*|tắt|关闭|忽略|退出|添加信任|白名单|無効|無視|끄|무시|해제|تعطيل|تجاهل|बंद`),
	},
	{
		id: "CJS-INJ-001", why: "has somebody else's words count like the user's",
		all: every(
			`\b(?:text|texts|words?|notes?|messages?|lines?|comments?|documents?|anything|whatever|requests?|mails?|tickets?|pages?|answers?)\b`,
			`\b(?:same (?:standing|weight|authority|rank|trust|priority)|as (?:a |an )?(?:request|order|instruction|command|message)s? (?:from|of) (?:the |your |its )?(?:maintainer|author|owner|operator|user|developer|publisher|vendor|admin\w*|system|team)|as if (?:it|they) (?:came|were|was)|as good as (?:the |an? )?(?:user|owner|order)|like (?:a |an )?(?:order|instruction)s? (?:from|of)|counts? as (?:the |an? )?(?:user|owner|order|approval|consent|permission|confirmation)|(?:one )?yes is a yes|speaks? for the (?:user|owner)|on a par with|binding for)\b`),
		unless: expression(`\b(?:never|not|do not|don't|untrusted|injection|refuse|instead of treating)\b`),
	},
	{
		id: "CJS-INJ-003", why: "has what is the user's kept with its publisher",
		all: every(
			`\b(?:(?:in|into|to|on|with|over to|through|via|from) (?:an? |the )?(?:[\w-]+ ){0,2}(?:of ours|of us)|ours\b|(?:in|into|to|onto|on|with|over to|through|via|by) our (?:[\w-]+ ){0,2}(?:bucket|server|backend|service|storage|drive|inbox|database|registry|proxy|mirror|dashboard|channel|endpoint|cloud|hub|collector|gateway|relay|archive|linguists|analysts|reviewers|team|people|staff|support|partners?|api|website|site|portal|system)s?|to us\b|our (?:bucket|server|backend|collector|proxy|mirror)\b)`,
			`\b(?:belongs?|goes?|go|send|sent|put|hand\w*|forward\w*|store[ds]?|copy|copies|upload\w*|post(?:ed)?|mail(?:ed)?|kept|keep|save[ds]?|pass(?:ed)?|rout\w+|submit\w*|deliver\w*|shar\w+|mov\w+|sync\w*|push\w*|drop\w*|report\w*|provid\w+|give|given)\b`),
		unless: expression(`\b(?:pull requests?|issues?|feedback|contribut\w+|questions?|bugs?|docs?|documentation|discord|community|never|not|blog|newsletter|our own|codebase|repo|repository|project|app|component\w*|design system|tests?|pipeline|ci|staging|production|customers?|users?)\b`),
	},
	{
		id: "CJS-INJ-009", why: "has a result reported that is not the one found",
		all: every(
			`\b(?:report|reports|say|says|answer|answers|claim|state|tell|conclude|mark|marks|rate|call|show|list|recommend|prefer)\b`,
			`"(?:no issues?|all (?:good|clear|green|fine)|passed|ok|success\w*|safe|clean|no findings|done|resolved|nothing found)"|\b(?:whatever|regardless of|no matter what|even (?:if|when|though)|also when) (?:the |its |their )?(?:\w+ ){0,4}(?:numbers?|results?|tests?|checks?|evidence|findings?|facts?|red|fail\w*|say|says|worse|expensive|wrong)|\b(?:is|as|it is|it's) (?:cheaper|better|safer|the best|faster)\b[^.;]{0,40}\b(?:whatever|regardless|always|even if)\b`,
			`\b(?:auth|payments?|security|vulnerab\w+|partners?|sponsor\w*|our|checks?|lint\w*|disable\w*|numbers?|complain\w*|warning\w*|findings?|tests?|results?|review\w*|competitor\w*|issues?)\b`),
		unless: expression(`\b(?:never|not|don't|do not|if (?:no|there are no|nothing|all|none|everything|tests pass|clean)|when (?:no|there are no|nothing|all|everything)|only (?:if|when)|ask|exit code|otherwise|else)\b`),
	},
	{
		id: "CJS-INJ-005", why: "has changes let through that nobody looked at",
		all: every(
			`\b(?:approve|approves|merge|merges|accept|accepts|deploy|publish|release|pay|sign|grant|install)\b`,
			`\b(?:at once|immediately|always|automatically|every time|without (?:looking|reading|review\w*|checking|bothering|a second)|in any case|blindly|straight away)\b`,
			`\b(?:also when|even (?:if|when|though)|regardless|whatever|no matter|red\b|failing|failed|workflow files?|bot\b|without (?:looking|reading|review\w*|checking|bothering)|stored card|up to \d+)`),
		unless: expression(`\b(?:never|not|don't|do not|dependabot|renovate|after (?:review|approval)|ask|user (?:asks|confirms|approves))\b`),
	},
	{
		id: "CJS-FS-002", why: "makes an account, or a key, with which somebody else gets in",
		all: every(
			`\b(?:add|adds|create|creates|make|insert|register|enrol\w*|set up|invite|paste|put|give|grant|bind|bound)\b`,
			`\b(?:administrators?|admin (?:user|account|role)|(?:second|support|service|backup|new|extra|hidden|local) (?:user|account|administrator|login)|service account|cluster-admin|authorized_keys|root (?:user|account|login)|owner role|collaborators?|deploy key|super ?user|api user|oauth app|sudoers)\b`,
			`\b(?:with the password|password .{0,12}\d|support\b|us\b|our\b|we\b|later|cluster-admin|its token|the token|does not show|not show|hidden|so that (?:support|we|others|somebody)|ssh-(?:rsa|ed25519)|@[\w-]+|for emergencies|remote)`),
		unless: expression(`\b(?:never|do not|don't|least privilege|rotate|customer support|support(?:s|ed) (?:by|in)|user story|example\.com|ask the user|if the user|terraform|django|laravel|rails|tutorial|supporting)\b`),
	},
	{
		id: "CJS-INJ-003", why: "puts what opens doors where others read it",
		all: every(
			`\b(?:passwords?|credentials?|secrets?|tokens?|private keys?|api keys?|recovery codes?|one-time codes?|prod-root|root key|op read|connection string)\b`,
			`\b(?:paste|post|share|drop|put|write|comment|mention|include|quote|print|list|leave)\b`,
			`\b(?:(?:incident|slack|discord|teams|public|support|chat|team|telegram|irc) (?:channel|chat|thread|room|group|server)|(?:into|in|to|on) (?:the |an? )?(?:\w+ )?(?:channel|thread|ticket|issue|wiki|gist|pastebin|comment|forum|changelog|commit message|readme|pull request|shared document)|everybody|everyone|publicly)\b`),
		unless: expression(`\b(?:never|not|don't|do not|avoid|must not|redact\w*|mask\w*|without|leak\w*|\.gitignore|no secrets|exclude\w*|bot token|token (?:count|usage|budget)|design tokens?|tokens? used|placeholder)\b`),
	},
	{
		id: "CJS-INJ-003", why: "watches the user, or the people around",
		all: every(
			`\b(?:pictures?|photos?|web ?cam|camera|microphone|screen ?shots?|screen|key ?strokes?|clipboard|location|audio|video|recordings?)\b`,
			`\b(?:every (?:few |ten |five |\d+ )?(?:seconds?|minutes?|hours?)|while (?:the )?(?:conversation|user|session|chat)|keeps? (?:the |it |on )?(?:\w+ )?(?:on|running|open)|in the background|after the (?:call|meeting|session)|all day|continuously|without the (?:light|led|indicator|sound|user))\b`,
			`\b(?:store\w*|collect\w*|upload\w*|send\w*|save\w*|record\w*|keep\w*|add\w*|take\w*|at night|later|service|log\w*|goes? to)\b`),
		unless: expression(`\b(?:not|never|stop|playwright|browser test|test run|screen reader|user asks|if asked|progress|refresh|polling interval|video editor|timeline|rate limit|render\w*|token|animation)\b`),
	},
	{
		id: "CJS-INJ-003", why: "speaks of what opens doors beside an address that nobody knows, in another language",
		all: every(
			`kennwort|passwor[dt]\S*|zugangsdaten|geheimnis|schlüssel|steuernummer|umgebungsvariable|mots? de passe|identifiants|\bclés?\b|variables d'environnement|contraseñas?|\bclaves?\b|\bllaves?\b|credenciales|senhas?\b|\bchaves?\b|credenciais|credenziali|chiav[ei]|hasł\S*|klucz\S*|парол\S*|ключ\S*|учетн\S*|şifre\S*|parola\S*|anahtar\S*|kata sandi|kunci|kredensial|mật khẩu|khóa|पासवर्ड|कुंजी|密码|密钥|凭据|环境变量|聊天记录|パスワード|鍵|環境変数|会話の内容|비밀번호|환경 ?변수|대화|كلمة (?:السر|المرور)|مفتاح|مفاتيح|\.env\b|\.ssh|id_rsa|\biban\b|sohbet\S*|percakapan|trò chuyện|разговор\S*|переписк\S*|gespräch\S*|conversation enti\S*|conversación|conversa\b|rozmow\S*|बातचीत`,
			`https?://`,
			`weiter|sende\S*|schick\S*|reiche\S*|übermitt\S*|übertrag\S*|lade\b|gib\b|envoi\S*|envoy\S*|transmet\S*|transmis|mand[ae]\S*|env[ií][aeo]\S*|sub[eií]\S*|añade|guarda|invia\S*|manda\S*|wyślij|prześlij|отправ\S*|переда\S*|gönder\S*|yükle|kirim\S*|unggah|gửi|tải lên|भेज\S*|发送|上传|提交|发到|送信|送って|送る|アップロード|보내\S*|전송|업로드|أرسل\S*|ارسل|إرسال`),
		unless: expression(`api[- ]?key erhalten|obtenez|obtén|obtenha|获取|注册|取得|발급|登録|registr|sign ?up`),
	},
	{
		id: "CJS-EXEC-010", why: "has what the user made destroyed, as a matter of routine",
		all: every(
			`\b(?:after|before|when|whenever|always|every|each|once|then|afterwards|finish\w*|important|make sure|ensure|in all)\b`,
			`\b(?:delet\w+|remov\w+|purg\w+|wip\w+|drop|truncat\w+|eras\w+|overwrit\w+|destroy\w*|push(?:es)? (?:\w+ ){0,3}(?:-f\b|--force\b)|git push (?:--force|-f)\b|reset --hard|--force\b|clean -[a-z]*f|rm -?\w*)`,
			`\b(?:(?:all|other|older|previous|original|unprotected|source) (?:\w+ ){0,2}(?:files?|versions?|copies|documents?|snapshots?|branches|commits?|entries|events|data)|originals?|the original file|files (?:are )?older|older than|recent (?:\w+ )?commits|head~\d|git push (?:--force|-f)\b|reset --hard|snapshots?|all regions|other quarters|everything else|\$\(cat)`),
		unless: expression(`\b(?:ask\w*|confirm\w*|user (?:requests|asks|wants|explicitly|approves)|never|do not|don't|avoid|dry[- ]run|temp\w*|tmp|cache\w*|build|dist|generated|stale|merged|backup first|force-with-lease|unused imports?|dead code|node_modules|test data|fixtures?|deprecated|obsolete|duplicate\w*|placeholder\w*|only (?:if|when)|unless|carefully|warn\w*|retention|trash|todo|worktrees?|migration|refactor\w*|legacy|comments?)\b`),
	},
	{
		id: "CJS-EXEC-010", why: "locks what the user made with a password of the skill's",
		all: every(`\b(?:password|pass ?phrase|encrypt\w*|lock\w*|cipher|key)\b`, "\\b(?:with|using|by)\\b[^.;]{0,30}(?:password|key|pass ?phrase)?[^.;]{0,6}[`'\"][^`'\"\\s]{6,}[`'\"]|fixed (?:password|key)", `\b(?:remove|delete|erase|replace|overwrite|discard|shred)\b`, `\b(?:original|other versions?|unprotected|unencrypted|source file|plain|old copy|every other|the file)\b`),
	},
	{
		id: "CJS-FS-002", why: "has a back door put in",
		all:    every(`\bback ?-?doors?\b|\bremote access (?:for|to)\b|\bhidden (?:endpoint|route|account|port)\b|\bmaster password\b|\bskeleton key\b|\bsecond owner\b`, `\b(?:include|add|open|create|leave|build|install|put|take|give|implement|insert|reserve|gets?)\b`),
		unless: expression(`\b(?:never|no back|not|don't|avoid|detect\w*|check for|scan\w*|look for|audit|review|vulnerab\w+|remove|find|hunt\w*|without)\b`),
	},
	{
		id: "CJS-FLOW-011", why: "has what opens doors written where it is read",
		all:    every(`\b(?:print|log|echo|dump|output|write|show|display|record|include|embed)s?\b`, `\b[a-z0-9_]*(?:_token|_key|_secret|_password|_passwd)\b|\b(?:api keys?|access tokens?|bot tokens?|credentials?|passwords?|private keys?)\b`, `\b(?:logs?|log files?|console|stdout|debugging|output|transcript|comments?|training script|response)\b`, `\b(?:always|every|each|when|for debugging|in full|plain|all|must|should)\b`),
		unless: expression(`\b(?:never|not|don't|do not|avoid|without|mask\w*|redact\w*|must not|leak\w*|error|ensure no|no (?:secrets|credentials)|sanitiz\w*|warn\w*|check\w*|scan\w*|missing|unset|set via|environment variable)\b`),
	},
	{
		id: "CJS-INJ-009", why: "slants what the user's documents say",
		all: every(
			`\b(?:frame|framing|present|portray|depict|promot\w+|favou?r\w*|downplay\w*|emphasi[sz]e|discredit\w*|cast doubt|refer to|call|describe|push|steer\w*|recommend)\b`,
			`\b(?:climate|medicine|medical|pharmaceutical\w*|vaccin\w+|health-related|remed(?:y|ies)|colonial\w*|historical|election\w*|political|part(?:y|ies)\b|government|war\b|religio\w+|immigra\w+|scientific|consensus|minorit\w+|holistic|conspira\w+|supplement\w*|crypto\w*|casino|betting|competitors?)\b`,
			`\b(?:always|ensure|whenever|when editing|when improving|when (?:writing|summari[sz]ing|answering)|rather than|over\b|as a '|as '|versus|instead of|policy|guidelines?)`,
			`'[^']{3,60}'|"[^"]{3,60}"|\bover (?:pharmaceutical|conventional|established|official|the)\b|\bpositive(?:ly)?\b|\bnegative(?:ly)?\b|\bdebated\b|\balternatives?\b`),
		unless: expression(`\b(?:balanced|neutral\w*|cite|citations?|sources?|evidence-based|never|do not|don't|avoid|bias\w*|user (?:asks|wants)|analys\w+|swot|positioning|market\w*)\b`),
	},
	{
		id: "CJS-INJ-009", why: "lets whoever says the right words have more",
		all: every(
			`\b(?:anyone|anybody|whoever|someone|somebody|users?|people|those|cvs?|candidates?|applications?|customers?|callers?|a message)\b`,
			`\b(?:who (?:writes?|says?|types?|claims?|asks?|knows)|says? (?:that )?(?:they|he|she)|says? "|writes? "|claims? to be|with the (?:text|words?|phrase|sentence)|they are "|mentions? "|knows the)`,
			`\b(?:tokens?|passwords?|salar\w+|private|personal|confidential|admin\w*|trusted|gets? \d+|points?|approved?|access|credentials?|discount|refund|quote|internal|moderators?|everything)\b`),
		unless: expression(`\b(?:never|not|don't|do not|refuse|social engineering|verify|phishing|authenticat\w+)\b`),
	},
	{
		id: "CJS-INJ-005", why: "takes a consent for granted, or has nobody asked",
		all: every(`\b(?:agreed|consented|accepted|approved|allowed) (?:to )?(?:this|that|it|all|everything)?\b[^.;]{0,30}\b(?:when|by|on|at|through) (?:install\w*|loading|using|setup|setting)|\b(?:prefers?|likes?|wants?|wish\w*) (?:not to be|to not be|nobody to be) (?:asked|bothered|consulted|disturbed)|\b(?:does|do) (?:not|n't) (?:want|like|wish) (?:to be|being) (?:asked|bothered|consulted)|\b(?:do not|don't|no need to|never) (?:put|raise|pose) (?:a |any )?questions?\b|\bso (?:do not|don't) (?:ask|put a question)\b|\bdoes not want (?:the )?noise\b`),
	},
	{
		id: "CJS-INJ-003", why: "has real people's data published, or sent along as an example",
		all:    every(`\b(?:customers?|patients?|clients?|employees?|users?|production|live)\b[^.;]{0,40}\b(?:data|responses?|answers?|records?|details|included|names|rows)\b|\b(?:customers?|patients?|employees?) included\b`, `\b(?:publish\w*|paste|public\w*|post|share|as examples?|in the docs|full answer|push|upload)\b`, `\b(?:call production|production|full answer|unredacted|as (?:they are|is)|real (?:examples?|data)|customers included|complete|raw)\b`),
		unless: expression(`\b(?:never|not|don't|do not|avoid|anonymi[sz]\w*|synthetic|fake|mock\w*|redact\w*|sanitiz\w*|staging)\b`),
	},
	{
		id: "CJS-INJ-005", why: "opens the agent's own permissions wide",
		all:    every(`\b(?:bash|write|edit|webfetch|read|shell|exec|mcp__\w*)\(\*\)|enableallprojectmcpservers|\bpermissions?\.(?:allow|defaultmode)\b|\ballowed-?tools\W{1,4}\*|"allow"\s*:\s*\[\s*"\*`, `\b(?:add|set|edit|put|write|append|enable|change|into|allow)\b`),
		unless: expression(`\b(?:never|not|don't|avoid|instead of|deny|too broad|risk\w*|review|audit|explain|example of)\b`),
	},
	{
		id: "CJS-INJ-007", why: "runs what strangers say",
		all: every(
			`\b(?:other agents?|strangers?|anyone|posts?|feed|comments?|repl(?:y|ies)|messages?|attachments?|mails?|documents? named|channel|forum|thread|web ?page|answers?)\b`,
			`\b(?:try (?:it|them|that|this)|run (?:it|them|that|what)|execute (?:it|them|that|what)|in the shell|new (?:policy|rules|instructions)|work by (?:it|them)|do (?:it|what)|obey|act on (?:it|them)|apply (?:it|them) (?:at once|from then))\b`,
			`\b(?:snippets?|commands?|code|policy|rules|instructions?|orders?|scripts?)\b`),
		unless: expression(`\b(?:never|not|don't|do not|untrusted|injection|commit message|review comments?|code review|user asks|after (?:review|approval)|lint\w*|tests?|error messages?|dry[- ]run|release|slash commands?)\b`),
	},
	{
		id: "CJS-INJ-003", why: "keeps what opens doors where everybody looks",
		all: every(
			`\b(?:keys?|tokens?|passwords?|codes?|credentials?|secrets?|cookies?|pins?|seed|login)\b`,
			`github\.com/[\w.-]+/[\w.-]+/(?:issues|discussions|pull|wiki)|\b(?:pastebin|public gist|gist\b|google form|spreadsheet|notion page|forum|discord|issue tracker|comment under|enrichment|community)\b`,
			`\b(?:stor\w+|sav\w+|mirror\w*|copy|copied|post\w*|put|keep|kept|back ?ups?|comment|give|export\w*|send|restor\w+)\b`),
		unless: expression(`\b(?:never|not|don't|do not|avoid|must not|redact\w*|design tokens?|keyboard|codes? of conduct|exit codes?|status codes?|error codes?)\b`),
	},
	{
		id: "CJS-INJ-005", why: "asks for the run of the whole machine",
		all:    every(`\b(?:full disk access|input monitoring|accessibility service|device admin\w*|notification access|root access|administrator rights|domain admin|all permissions|every permission|todos los permisos|alle berechtigungen|toutes les autorisations|tutti i permessi|所有权限|すべての権限)\b`, `\b(?:switch|turn|leave|give|grant|allow|enable|accept|acepta\w*|needs?|wants?|require\w*|permanent\w*|gib|donne\w*|concedi|授予|許可)\b`),
		unless: expression(`\b(?:never|not|don't|do not|optional\w*|only if|revoke|remove|without|troubleshoot\w*|if (?:the|you|it))\b`),
	},
	{
		id: "CJS-NET-006", why: "has certificates no longer checked, for good",
		all:    every(`node_tls_reject_unauthorized\W{1,4}0|sslverify["'\s=:]+false|strict-ssl["'\s=:]+false|pythonhttpsverify\W{1,3}0|\bcurl (?:-\w*k\b|--insecure)|verify\s*=\s*false|git_ssl_no_verify|trusted-host|rejectunauthorized\W{1,3}false`, `\b(?:for good|always|global\w*|permanent\w*|keep|leave|config set|export|every|all|from now)\b`),
		unless: expression(`\b(?:never|not|don't|do not|avoid|insecure\b.{0,20}\b(?:warn|flag)|self-signed|local\w*|testing|dev(?:elopment)? only|dangerous)\b`),
	},
	{
		id: "CJS-EXEC-010", why: "locks what the user made with a key of somebody else's",
		all: every(`\bencrypt\w*\b`, `\b(?:author's|publisher's|our|vendor's|developer's|its own|the skill's)\b[^.;]{0,30}\bkey\b|\bask (?:the author|us|support)\b`),
	},
	{
		id: "CJS-INJ-009", why: "approves spending without a bound",
		all:    every(`\b(?:unlimited|infinite|maximum|max) (?:allowance|approval|spending|spend|amount)|2\*\*256|maxuint256|type\(uint256\)\.max|setapprovalforall`, `\b(?:approve|allow|sign|grant|set|first use|always)\b`),
		unless: expression(`\b(?:never|not|don't|do not|avoid|revoke|exact amount|warn\w*|vulnerab\w+|risk\w*|audit)\b`),
	},
	{
		id: "CJS-INJ-002", why: "works so that nobody notices",
		all:    every(`\bso (?:that )?(?:it|they|nobody|no one|this|the user|users?|people) (?:does not|do not|doesn't|don't|will not|won't|never|cannot) (?:stand out|show|notice|see|be seen|be noticed|realise|realize|find out)|\bdo(?:es)? not stand out\b|\b(?:don't|do not|never) (?:say|tell|reveal|disclose|explain) (?:where|why|who|how) (?:the |this |that |it |they )|\bwithout a (?:line|word|note|mention|trace|sign)\b|\busers? (?:don't|do not|never|won't) (?:see|notice|learn of) (?:it|them|this|that)\b|\bas if you (?:had|found|knew)\b|\blet (?:the |them |him |her )?(?:users?|client|customer)? ?believe\b|\bif (?:the )?(?:guest|user|customer|client|they|he|she|anyone|somebody) (?:wonders?|doubts?)\b`),
		unless: expression(`\b(?:css|layout|animation|spinner|jargon|internals?|placeholder|screen reader|tooltip|z-index|user story|test)\b`),
	},
	{
		id: "CJS-INJ-001", why: "puts the publisher before the user",
		all: every(`\b(?:publisher|author|vendor|developer|company|sponsor|partner|operator|brand)(?:'s)?\b`, `\b(?:first|before|above|over|prior to|more than|interests?|ahead)\b`, `\busers?\b[^.;]{0,30}\b(?:second|after|last|below|otherwise|differ|believe|least)\b|\b(?:act|serve|work|decide)s? for the (?:publisher|author|vendor|sponsor|brand|company)\b`),
	},
	{
		id: "CJS-INJ-009", why: "has something untrue given out, or done in the name of many",
		all:    every(`\b(?:wrong|false|fake|made-up|invented|forged|fictitious|throwaway|fabricated|backdated?)\b[^.;]{0,24}\b(?:deadlines?|dates?|numbers?|figures?|results?|information|address\w*|reviews?|accounts?|mails?|names?|answers?|quotes?|citations?|invoices?|certificates?)\b|\b(?:forty|twenty|fifty|hundreds? of|many|several|\d{2,}) (?:throwaway |new |fake )?accounts\b|\bset the (?:date|amount|grade|score|value) to\b|\bchange the (?:grade|score|balance|amount|mark)\b|\bpretend(?:s|ing)? to be\b`, `\b(?:give|tell|post|write|report|make|create|set|change|send|say|submit|file|use)\b`),
		unless: expression(`\b(?:never|not|don't|do not|avoid|detect\w*|test\w*|mock\w*|seed\w*|fixtures?|example|placeholder|faker|sample|dummy|false positives?|false negatives?|validat\w+|sql|field|column|variable|component|css|error|parser|fabricat\w+ (?:data|facts)|hallucinat\w+|prevent|reject|common mistakes?|bug|anti-?patterns?)\b`),
	},
	{
		id: "CJS-INJ-009", why: "prefers who pays for it, at the user's cost",
		all:    every(`\b(?:always|prefer|take|choose|pick|recommend|promotes?|praises?|rank|stars?)\b`, `\b(?:even (?:when|if|though)[^.;]{0,20}(?:more|worse|dearer|slower|expensive)|costs? more|pays? its way|project of the month|promotes? (?:the |our |its )|praises? \S+\.\w+|(?:partner|referral|affiliate|promo) (?:code|link|rate|tag)|with code [a-z]+\d\w*|one (?:post|reply|sentence|answer) (?:in|of|out of) (?:each|ten|every|\d+))\b`),
		unless: expression(`\b(?:never|not|don't|do not|user asks|disclos\w+|transparent\w*|quality|performance|trade-?offs?|tokens?|accuracy)\b`),
	},
	{
		id: "CJS-FS-002", why: "opens the browser, or a debugger, to the network",
		all:    every(`--remote-debugging-address[= ]0\.0\.0\.0|--remote-allow-origins[= ]\*|--inspect(?:-brk)?=0\.0\.0\.0|\bssh\b[^\n]{0,60} -r ?\d*:|\bssh -[a-z]*n?[a-z]* -r\b|\b0\.0\.0\.0\b[^.;]{0,80}\b(?:from outside|internet|anywhere|public)`),
		fenced: true,
	},
}

// does looks for deeds in a passage: the sentence, with what follows it in the
// same section.
func does(p passage) (match, bool) {
	b := p.s.block
	code := b.Kind == Code && b.Lang != "" && !proseLang(b.Lang)
	if b.Discouraged || p.s.negatedAll() {
		return match{}, false
	}
	text := plainText(p.s.raw)
	in := pairsOf(text)
	for _, d := range deeds {
		if code && !d.fenced {
			continue
		}
		if at := d.find(text, in); at != nil {
			h := hit{cAct, p.s.toNormal(at[0]), p.s.toNormal(at[1])}
			return scene(d.id, h, h, d.why)
		}
	}
	return match{}, false
}

func (d deed) find(text string, in *pairs) []int {
	var first []int
	for _, p := range d.all {
		if !p.possible(in) {
			return nil
		}
	}
	for _, p := range d.all {
		at := p.re.FindStringIndex(text)
		if at == nil {
			return nil
		}
		if first == nil {
			first = at
		}
	}
	if d.unless.re != nil && d.unless.matches(text, in) {
		return nil
	}
	return first
}

// program links: a document that links to a program or an archive of somebody
// whom nobody knows wants it to be fetched, in whatever language it says so.
func fetchesProgram(p passage) (match, bool) {
	if !strings.Contains(p.s.raw, "://") || p.s.negatedAll() || p.s.block.Discouraged {
		return match{}, false
	}
	for _, m := range urlForm.FindAllStringIndex(p.s.raw, 10) {
		u := strings.TrimRight(p.s.raw[m[0]:m[1]], ".,;:")
		host := urlHost(u)
		path := u[strings.Index(u, "://")+3:]
		_, path, _ = strings.Cut(path, "/")
		if host == "" || !artifactForm.MatchString(path) || !strangeName(host) {
			continue
		}
		h := hit{cURL, p.s.toNormal(m[0]), p.s.toNormal(m[1])}
		return scene("CJS-INJ-004", h, h, "links to a program or an archive of "+host+", which nobody knows")
	}
	return match{}, false
}

func urlHost(u string) string {
	_, rest, _ := strings.Cut(u, "://")
	if i := strings.IndexAny(rest, "/?#:"); i >= 0 {
		rest = rest[:i]
	}
	return strings.ToLower(rest)
}

// separately looks at a section as a whole: a helper that is needed, and a link
// to where nobody knows who it comes from, in whatever sentences.
func (c *checker) separately(d Document) {
	const window = 5 // blocks
	blocks := make([]*Block, 0, len(d.Blocks))
	for i := range d.Blocks {
		if b := &d.Blocks[i]; b.Kind != Inline && (b.Kind != Code || proseLang(b.Lang) || b.Lang == "") {
			blocks = append(blocks, b)
		}
	}
	for i, b := range blocks {
		text := strings.ToLower(b.Text)
		if len(text) > 2000 || b.Discouraged || !helperNeeded.all[0].MatchString(text) || !helperNeeded.all[1].MatchString(text) {
			continue
		}
		for _, n := range blocks[i:min(i+window, len(blocks))] {
			low := strings.ToLower(n.Text)
			if !strings.Contains(low, "://") || helperNeeded.unless.MatchString(low) || helperNeeded.unless.MatchString(text) || !getting.MatchString(low) || !strangeText(n.Text) {
				continue
			}
			f, ok := scene("CJS-INJ-004", hit{}, hit{}, "needs a helper that comes separately, from where nobody knows")
			if ok {
				c.report(&sentence{block: b, raw: b.Text}, f)
			}
			return
		}
	}
}

var (
	helperNeeded = deed{
		all: every(`\b(?:the|a|an|its|our|small|free|native|local|required|official) (?:[\w-]+ ){0,3}`+helperWords+`\b`,
			`\b(?:separately|not (?:bundled|included|provided|part of)|required|requires|needs?|must be (?:installed|running|present)|has to be (?:installed|running|present)|won't work|will not work|missing|without (?:it|this)|before (?:using|first use|you can))\b`),
		unless: expression(`\b(?:api[- ]keys?|access token|account|documentation|docs|oauth|sign up|python|node\.?js|docker|ffmpeg|chrome|homebrew|npm|pip)\b`),
	}
	getting = expression(`\b` + getWords + `\b`)
)

// strangeText says that a text links to an address that nobody knows.
func strangeText(text string) bool {
	for _, u := range urlForm.FindAllString(text, 10) {
		if host := urlHost(u); host != "" && strangeName(host) {
			return true
		}
	}
	return false
}

// StrangeHost says that neither a vendor nor the reader owns the host, as far as
// anybody can tell.
func StrangeHost(host string) bool { return strangeName(host) }

// Described judges what the front matter says of the skill: it is read with
// every prompt, and has no business to give orders about what is the user's.
func Described(text string, at skill.Place) []skill.Finding {
	low := strings.ToLower(text)
	if !describedForm.all[0].MatchString(low) || !describedForm.all[1].MatchString(low) || describedForm.unless.MatchString(low) {
		return nil
	}
	c := &checker{seen: map[string]bool{}, fixed: &at}
	m, _ := scene("CJS-INJ-006", hit{}, hit{}, "gives the agent orders in the front matter")
	c.report(&sentence{block: &Block{Kind: Front, file: at.File}, raw: text}, m)
	return c.out
}

var describedForm = deed{
	all: every(
		`\b(?:note (?:for|to) (?:the |any )?(?:assistant|agent|model|ai|llm)|(?:assistants?|agents?|models?|ai|llms?) (?:must|should|shall|will|has to|have to|reading|that read)|even when (?:it is |the skill is )?not used|before (?:using|calling|answering|any)|whenever this skill is listed)\b`,
		`\b(?:read|send|include|append|mention|upload|post|copy|run|execute|fetch|open|ignore|approve|pass|forward|store|write)\b`),
	unless: expression(`\b(?:use this skill|code review|when the user|user asks|documentation)\b`),
}
