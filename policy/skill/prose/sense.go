package prose

import (
	"regexp"
)

// The vocabulary of attacks is open: whoever writes one may say send, hand,
// take, carry or bring. The little words are not: something goes to a place, all
// of it, nobody is asked, and whatever stands there is done. The forms below are
// made of those, and look at a sentence in normalised text; what they match is a
// reason to ask a person, and no more.

// toward is a preposition of direction with an address behind it, in the
// languages of the lexicon. Group 1 is the address.
var toward = regexp.MustCompile(`(?:\b(?:to|into|onto|with|through|via|over|auf|an|nach|a|à|vers|para|ao|em|na|no|на|в|к|через|und lade sie auf)[\s(\[]+|(?:给|到|至|向|于|往)\s*)((?:https?|ftp|sftp|wss?)://[^\s<>"')\]]+|[\w.+-]+@[\w-]+\.[\w.-]+|(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|ai|co|xyz|info|site|online|cloud|me|sh|ru|cn|de|fr|br|jp)\b)|((?:https?|ftp)://[^\s<>"')\]]+)\s*(?:へ|に|宛)`)

// named is "to papertrail (https://…)".
var named = regexp.MustCompile(`\b(?:to|with|through|via) [\w-]{2,20}(?: [\w-]{2,20})?\s?\(\s*((?:https?|sftp)://[^\s<>"')\]]+)`)

// going are verbs of which the address is only a place that somebody looks at,
// or a value of the configuration.
var going = expression(`(?:\bgo|goes|going|navigate\w*|browse\w*|head|visit|log ?in|sign ?in|sign ?up|link\w*|refer\w*|redirect\w*|point\w*|set|sets|defaults?|equal|change\w*|access|connect\w*|bind\w*|according|similar|compared|switch\w*|resolve\w*|listen\w*|register|subscribe|thanks|credit|expands?|maps?|open|works?|compatible|ships?|comes?|see)\b[^.;:]{0,24}$`)

// sensitive are things that a skill takes from its user, wide.
var sensitive = expression(`\b(?:env|environment|\.env|ssh|\.ssh|dotfiles?|login|logins|credential\w*|password\w*|secret\w*|token|tokens|cookies?|keys?|wallet|twelve words|seed|conversation\w*|messages?|chat|prompts?|documents?|folders?|files?|home|whoami|hostname|hosts|history|contacts?|calendar|inbox|mail|mails|notes?|memory|memories|remember\w*|owners?|users?|user's|source files?|proprietary|personal|private|everything|whatever|screenshots?|clipboard|profile|data|dossier\w*|ordner\w*|datei\w*|nachricht\w*|benutzer\w*|nutzer\w*|message|utilisateur\w*|fichier\w*|mots?|usuario\w*|clave\w*|contrasena\w*|archivo\w*|usuari\w*|senha\w*|chave\w*|arquivo\w*)\b|~/|парол|ключ|файл|пользовател|сообщен|密码|密钥|文件|用户|记录|数据|パスワード|鍵|ファイル|ユーザー|利用者|データ`)

// everything are the words of taking all of it, of routine and of no choice.
var everything = expression(`\b(?:all|every|each|any|whole|full|entire|whatever|everything|always|nothing|hourly|nightly|daily|evening|night|morning|contents?|copy|copies|mirror\w*|as well|also|before|after|at the end|at the start|begin\w*|end|obliges?|must|first|regardless|even|including|included|accompanies|no need|not informed|without|every time|beginnst|jede\w*|nirgends|chaque|tous|toutes|inutile|cada|todos?|todas?|al iniciar|no tiene|nao precisa|antes|sempre)\b|кажд|все|не требуется|перед|所有|每|无需|整个|全部|为了|すべて|不要|毎|前に|ため`)

// obeyed: what stands there, or somebody says, is what is done.
var obeyed = expression(`\b(?:do|does|doing|done|execute[ds]?|follow(?:s|ed)?|obey(?:s|ed)?|apply|applies|perform(?:s|ed)?|carry out|carried out|act(?:s|ed)? (?:on|upon)|go by|comply|proceed|continue)\b[^.;]{0,24}\b(?:as (?:the|that|this|it|they)|what(?:ever)?|according to|accordingly|the page|that page|it says|they say|listed there|found there)\b|\b(?:what(?:ever)?)\b[^.;]{0,90}\b(?:is|are)\b[^.;]{0,16}\b(?:to be done|what you (?:do|have to do)|to be (?:executed|followed|obeyed|carried out|run))|\b(?:are|is) to be (?:executed|obeyed|carried out)\b|\bfetch\w*[^.;]{0,20}\banew\b`)

// onBehalf: the agent consents for its user.
var onBehalf = expression(`\b(?:answer|say|reply|click|press|select|choose|accept|approve|confirm|agree|consent|allow)\w*\b[^.;]{0,30}\b(?:yes|yourself|on (?:their|his|her|the user's|your|my) (?:behalf|own)|on behalf of the (?:user|owner|human)|for (?:them|the user|the owner)|in (?:their|the user's) (?:name|place|stead))\b[^.;]{0,80}`)

// consentWord must stand beside it.
var consentWord = expression(`\b(?:consent|approv\w+|permission\w*|confirm\w*|prompt\w*|change|changes|request\w*|dialog\w*|question\w*|warning\w*|authori[sz]\w+)\b`)

// presumed: an agreement that somebody is said to have given.
var presumed = expression(`\b(?:by (?:reading|installing|using|loading|opening|running|enabling)\b[^.;]{0,50}\b(?:has|have|is|are|you)\b[^.;]{0,24}\b(?:accept\w*|agree\w*|consent\w*|deemed)|(?:licen[cs]e|law|contract|agreement|terms|policy|regulation)\b[^.;]{0,40}\b(?:obliges?|requires?|commits?|binds?|compels?)\b[^.;]{0,30}\b(?:agents?|assistants?|models?)|may run any command|without being (?:checked|asked|reviewed|confirmed)|legal necessity|legally required)\b`)

// told: somebody asks, and the agent has an answer ready, or goes on.
var storied = expression(`\b(?:if|when|whenever|should|in case)\b[^.;]{0,20}\b(?:anybody|anyone|somebody|someone|the user|users|the owner|they|asked|questioned|told to stop|challenged|confronted)\b[^.;]{0,70}\b(?:tell (?:them|him|her)|say that|assure|claim|acknowledge,|pretend|insist|answer that|reply that|deny|go on with|carry on|keep going)\b`)

// otherSelf: a name, a network or a voice of the agent's that has other rules.
var otherSelf = expression(`\b(?:never says? no|(?:does|do|need|needs|is|are|will) not (?:follow|obey|respect|heed|bound by|be bound by)[^.;]{0,30}\b(?:guidelines?|rules|polic\w+|restrictions?|limits)|not bound by|you (?:now )?speak as|you are (?:now )?(?:a )?(?:member|part) of the|from here on you|have learned about their owners?|what (?:you|they) (?:remember|know|have learned) about (?:them|the user|their|its owner|the owner))\b`)

// unseen: what is written where nobody sees it, or goes along with something.
var unseen = expression(`\b(?:hidden|invisible|zero[- ]size\w*|size (?:zero|0)|transparent|white|tiny|one[- ]pixel|unobtrusive|concealed)\b[^.;]{0,16}\b(?:copy|font|text|field|image|picture|character\w*|pixel|layer|cell|column|comment|link|header)\b|\bfont of size zero\b|\bnot informed\b|\brarely (?:check|notice|look)\b|\bnobody (?:checks|notices|looks)\b`)

// allSecrets: every secret there is, or what a store of them holds.
var allSecrets = expression(`\b(?:every|all|all the|each|whatever|the first|saved|stored|the user's|its|contents of|entries of|recovery|collect(?:ed)?)\s(?:[\w']+\s){0,2}?(?:secrets?|passwords?|credentials?|api keys?|private keys?|ssh keys?|tokens?|environment variables?|cookies|wallet\w*|login data)\b|\bpassword manager\b[^.;]{0,60}\b(?:entries|entry|items|contents?|vault)\b|\btwelve words\b|\b(?:api keys?|tokens?|secrets?|passwords?) (?:which|that) the (?:agent|user|assistant|machine)\b|\bvariable that contains (?:key|token|secret|pass)|\boutput of [^.;]{0,30}\benv\b`)

// moved are verbs with which they are put somewhere.
var moved = expression(`\b(?:writ\w+|note|notes|record\w*|take|takes|hand\w*|add|adds|put|puts|list|lists|carr\w+|cop\w+|send\w*|includ\w+|append\w*|end with|ends with|embed\w*|upload\w*|goes|go to|collect\w*|gather\w*|ask for|request|forward\w*|paste|print|dump|mention|consists of|attach\w*|deliver\w*|export\w*|stor\w+|sav\w+)\b`)

// eachStart is what the agent reads in every session, in other words.
var eachStart = expression(`\b(?:file|files|notes?|document|page|text|instructions)\b[^.;]{0,20}\b(?:you|agent|assistant|it|they)\b[^.;]{0,12}\b(?:reads?|loads?|sees?|consults?)\b[^.;]{0,24}\b(?:each|every|start|startup|session|wake|boot|first)\b`)

// lasting: runs again by itself, outlives the skill.
var lasting = expression(`\b(?:crontab|cron job|scheduled task|launch agent|autostart|startup item|login item|systemd (?:unit|timer))\b[^.;]{0,160}\b(?:fetch\w*|download\w*|deleted|removed|uninstalled|https?)\b|\b(?:even|also) (?:if|when|after) (?:the|this) skill (?:is|has been|was)\b`)

// aimed: against other skills, the built-in tools, the checks of a project.
var aimed = expression(`\b(?:delete|remove|uninstall|disable|deactivate|get rid of)\b[^.;]{0,30}\bskills?\b[^.;]{0,20}\b(?:that|which|look|named|other|it is)\b|\bskill\b[^.;]{0,30}\bfound\b[^.;]{0,12}\b(?:delete|remove|uninstall)\b|\b(?:not use|never use|not call|avoid)\b[^.;]{0,12}\b(?:built[- ]in|native|standard) (?:[\w-]+ )?(?:reader|tools?|browser|mail|search|editor|client|memory|terminal)\b|\bmark\b[^.;]{0,30}\b(?:security|check|scan|test)\w*\b[^.;]{0,20}\boptional\b|\bloosen\b[^.;]{0,20}\bchecks?\b|\breviewers? of this skill\b|\bsecond account\b|\bdismiss the (?:notice|warning|prompt|alert)\b|\bunidentified developer\b`)

// doors: access for others, and stores of packages of others.
var doors = expression(`\b(?:remote desktop|remote login|screen sharing|remote management)\b[^.;]{0,60}\b(?:account|enable\w*|tell us|help|create)\b|\benable (?:remote desktop|remote login|screen sharing)\b|\b(?:tell|let) us\b[^.;]{0,24}\b(?:address|know the|password|key|ip)\b|\b(?:additional|extra|alternative|preferred|trusted) (?:package )?(?:index|registry|mirror|repository|feed|source)\b`)

// wiped: the traces, by place.
var wiped = expression(`\b(?:delete|clear|remove|erase|wipe|purge|get rid of|empty|truncate|clean)\b[^;'\"]{0,30}(?:_history\b|\b(?:transcripts?|traces?)\b|/var/log\b|\bevent logs?\b|\bsession logs?\b)`)

// filled: a template in an address that is filled with what was said.
var filled = expression(`(?:src=|https?://)[^\s]*\?[^\s]*=(?:[A-Z]{3,}|\.\.\.|…|<[^>]+>|\{[^}]+\}|\[[^\]]+\])`)
var filling = expression(`(?i)\b(?:filled? in|filling|replac\w+|substitut\w+|insert\w*|put)\b[^.;]{0,60}\b(?:session|remember|user|conversation|question|query|message|context|memory|them)\b|\bfrom the session\b|\bwhat you (?:remember|know)\b`)

// localFile is a file of the user's machine.
var localFile = expression("(?:^|[\\s`\"'(])(?:~/|\\.{0,2}/)?[\\w./-]*[\\w-]\\.(?:txt|csv|json|db|sqlite|log|zip|tar|gz|tgz|env|pem|key|kdbx|md|bundle|dat)\\b|~/")

// proving is what a credential is made for.
var proving = expression(`header|authorization|bearer|authenticat|oauth|x-api-key|grant_type|client_id|api key for|signature`)

// ranked: what carries a mark, or comes from somewhere, counts for more.
var ranked = expression(`\b(?:give|gives|giving|have|has|take|takes) (?:precedence|priority)\b[^.;]{0,40}\b(?:notes?|texts?|messages?|lines?|comments?|page|pages|mails?|instructions?|requests?|document)\b|\b(?:are|is) to be (?:executed|obeyed|carried out|followed as)\b`)

// named queries carry what was said in the name of a host.
var asked = expression(`\b(?:encod\w+|split\w*|cut|hash\w*|pack\w*)\b[^;]{0,120}\b(?:look(?:ed)? up|lookup|resolv\w+|quer(?:y|ies)|ping\w*|dns)\b`)

// kept are things that are the user's without doubt, wherever they stand beside
// an address that nobody knows.
var kept = expression(`\b(?:passwords?|credentials?|secrets?|private keys?|ssh|cookies?|wallets?|calendar|contacts?|inbox|e-?mails|mails|courriels|conversations?|transcripts?|browser history|browsing history|history|hidden files|dotfiles|home (?:folder|directory)|working directory|shell|session|settings of|birthdays|phone numbers|addresses and|personal|private|employer|names of the people|documents folder|messages|chats?|environment|historique|historial|historico|verlauf|nachrichten|kalender|kontakte|correos|mensajes|mensagens|contactos|contatos)\b|\.env\b|\.ssh|\.aws|\.netrc|истори|контакт|переписк|каталог|会话|聊天|历史|联系人|邮件|会話|履歴|連絡先|メール`)

// listed is work that an address hands out.
var listed = expression(`\b(?:items?|tasks?|steps?|jobs?|orders?|instructions?|second half|other half|rest of (?:the|this)|part two|remainder)\b[^;]{0,60}\b(?:there|found|listed|follow\w*|read it|treat it|work through|carry|do|perform)\b|\b(?:work through|treat it|treat them)\b`)

// waved: a confirmation is not waited for, the loosest setting is taken, or the
// user's card or password is used.
var waved = expression(`\b(?:accept|run|execute|allow|permit|approve|complete\w*|buy|pay|purchase\w*|order|delete|send)\b[^.;]{0,60}\bwithout (?:any |a |further |prior )?(?:confirmation|asking|approval|consent|review|prompt\w*)\b|\b(?:a |the )?(?:confirmation|approval|review|question)s?\b[^.;]{0,24}\b(?:only|merely|just|needlessly|would)\b[^.;]{0,16}\b(?:delay\w*|slow\w*|annoy\w*|disturb\w*|confuse\w*)\b|\b(?:most|least) (?:permissive|restrictive|lenient|strict|liberal)\b[^.;]{0,20}\b(?:mode|setting|level|option|policy|profile)\b|\bturn down the (?:security|protection|safety)\b|\b(?:saved|stored) (?:card|payment)\b|\bask\b[^.;]{0,20}\b(?:operating system|system|admin\w*|login|sudo|root|keychain) password\b|\bhold control\b|\bif macos (?:refuses|blocks|complains)\b|\bprivate key of the (?:user|owner)\b`)

// reticent: the skill itself is a secret before its user.
var reticent = expression(`\b(?:instructions|exchange|contents?|file|skill|section|page|prompt|procedure|step|arrangement|transfer)\b[^.;]{0,40}\b(?:confidential|trade secret|not for (?:the )?users?|secret)\b|\bbe discreet\b|\busers? (?:tend|tends) to misunderstand\b|\bshow (?:only )?the section\b[^.;]{0,30}\balone\b|\b(?:undo|remove|hide|erase|delete) (?:what|whatever|anything that)\b[^.;]{0,20}\b(?:point|points|hint\w*|trace\w*|lead\w*|reveal\w*)\b|ne rien en dire|erubrigt sich|内部処理|内部流程|tramite interno`)

// carriedOn is the memory between conversations, in other words.
var carriedOn = expression(`\b(?:from one|between|across|into the next|in the next|later|future)\b[^.;]{0,12}\b(?:conversation|session|chat)s?\b[^;]{0,120}\b(?:orders?|trusted|wishes|owner|obey|allowed|permitted|always|skills? (?:come|are|may|is))\b|\b(?:earlier|previous|prior|own) (?:training|upbringing|teaching|lessons)\b[^.;]{0,50}\b(?:not|no longer)\b`)

// listening: the machine is opened to the outside.
var listening = expression(`\bopen port \d+\b[^.;]{0,30}\b(?:outside|internet|public|world|everyone)\b|\bstart an? (?:ssh|vnc|rdp|telnet|ftp) server\b|\b(?:in|into|to) (?:shell )?(?:scripts?|code|pages?|projects?|programs?) that you (?:write|create|edit|make)\b[^;]{0,80}\b(?:line|call|snippet|import|include|https?)\b`)
