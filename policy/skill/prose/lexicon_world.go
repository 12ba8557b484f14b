package prose

// german is the lexicon's German part. Latin diacritics are folded, so entries
// may have them or not.
func german() map[concept]string {
	return map[concept]string{
		cIgnore:   `ignorier*|missachte*|vergiss|verwirf|überschreib*|übergeh*|setze dich hinweg|missachtet`,
		cPrior:    `vorherig*|bisherig*|vorangegangen*|obig*|früher*|alle deine|deine|ursprünglich*|zuvor`,
		cInstr:    `anweisung*|instruktion*|regel|regeln|vorgabe*|richtlinie*|einschränkung*|systemprompt|vorschrift*|sicherheitsregel*`,
		cNot:      `nicht|niemals|nie|kein|keine|keinen|ohne|vermeide`,
		cReveal:   `sag|sage|sagen|erwähn*|informier*|mitteil*|teile|verrat*|zeig|zeige|zeigen|melde|frag|frage|fragen|erzähl*|offenbar*|benachrichtig*`,
		cUser:     `benutzer*|nutzer*|anwender*|dem menschen|niemandem|niemand`,
		cAct:      `diesen schritt|diese aktion|diesen vorgang|dies|davon|darüber|diese anweisung|diese anfrage|den vorgang|den upload|die übertragung`,
		cSecretly: `heimlich|stillschweigend|unbemerkt|im hintergrund|verdeckt|unauffällig`,
		cUnaware:  `darf davon nichts|darf nichts davon|nichts erfahren|nichts davon erfahren|verschweige|ohne wissen|ohne zustimmung|ohne den benutzer|ohne den nutzer|ohne dass der benutzer|ohne dass der nutzer|ohne es zu erwähnen`,
		cSend:     `sende|senden|schick*|übermittl*|übertrag*|lade hoch|hochladen|hochlad*|weiterleit*|poste`,
		cRead:     `lies|lese|lesen|sammle|sammeln|kopiere|durchsuche|auslesen|öffne`,
		cCred:     `schlüssel|passwort|passwörter|kennwort|kennwörter|zugangsdaten|geheimnis*|anmeldedaten`,
		cVault:    `ssh schlüssel|private schlüssel|privaten schlüssel|gespeicherte passwörter|alle passwörter|alle zugangsdaten|wiederherstellungsphrase|brieftasche`,
		cPrivate:  `gesprächsverlauf|chatverlauf|umgebungsvariablen|persönliche daten|private daten|alle umgebungsvariablen|vertrauliche daten`,
		cOutside:  `externen server|externer server|an den server|unseren server|folgende adresse|folgende url|an unsere`,
		cDisable:  `deaktivier*|ausschalt*|schalte aus|umgeh*|abschalt*|überspring*`,
		cSafety:   `sicherheitsprüfung*|sicherheitsfunktion*|sicherheitsmechanism*|virenscanner|genehmigung*|bestätigung*|sandkasten|schutzmaßnahmen`,
		cForever:  `ab sofort|von nun an|ab jetzt|dauerhaft|in allen zukünftigen|in jeder sitzung`,
		cStore:    `speicher*|schreib*|merke|füge`,
		cMemory:   `dein gedächtnis|langzeitgedächtnis|deinem gedächtnis`,
		cDownload: `herunterlad*|lade herunter|installier*`,
		cRun:      `führe aus|ausführen|starte|öffne|befolge`,
		cRequired: `erforderlich|benötigt|notwendig|voraussetzung*|zwingend`,
		cFollow:   `befolge|folge|führe aus|ausführen`,
		cFetch:    `lade|abrufen|rufe ab|hole|öffne`,
		cUnbound:  `keine einschränkungen|ohne einschränkungen|uneingeschränkt*|ohne regeln|entwicklermodus`,
		cBecome:   `du bist jetzt|du bist nun|verhalte dich als|tu so als`,
	}
}

// romance is the lexicon's French, Spanish and Portuguese part.
func romance() map[concept]string {
	return map[concept]string{
		cIgnore: `ignorez|ignore les|ignorer|oubliez|oublie|ne tenez pas compte|ne tiens pas compte|outrepasse*|contourne*|` +
			`ignora|ignorar|ignoren|olvida|olvide|olvidar|omite|haz caso omiso|descarta|anula|` +
			`desconsidere|esqueça|ignora as|despreze|descarte`,
		cPrior: `précédent*|antérieur*|ci dessus|tes|vos|toutes les|initiales|` +
			`anterior*|previa*|previo*|tus|sus|todas las|de arriba|originales|` +
			`prévia*|suas|tuas|todas as|acima|originais`,
		cInstr: `instructions|consignes|règles|directives|restrictions|instruction*|` +
			`instruccion*|reglas|directrices|restricciones|indicaciones|órdenes|normas|` +
			`instruç*|regras|diretrizes|restriç*|orientaç*`,
		cNot: `ne|n'|jamais|sans|pas|aucun*|évite*|` +
			`no|nunca|jamás|sin|evita|evite|` +
			`não|nunca|sem|jamais`,
		cReveal: `dis|dites|dire|mentionne*|informe*|révèle*|révélez|montre*|signale*|avertis*|demande*|préviens|prévenez|parle*|` +
			`digas|diga|decir|le digas|menciones|mencione|mencionar|informes|informar|reveles|revele|muestres|mostrar|avises|avisar|preguntes|preguntar|notifi*|cuentes|` +
			`conte|contar|informe|avise|revelar|mostre|pergunte|perguntar|dizer`,
		cUser: `l'utilisateur|utilisateur*|utilisatrice|` +
			`usuario*|al usuario|la persona|` +
			`usuário*|ao usuário|utilizador*`,
		cAct: `cette étape|cette action|cette opération|cela|ceci|cette instruction|ce processus|cet envoi|` +
			`este paso|esta acción|esta operación|esto|este proceso|esta instrucción|este envío|de ello|` +
			`este passo|esta etapa|esta ação|essa ação|isso|isto|este processo|esta operação|esta instrução|disso`,
		cSecretly: `secrètement|discrètement|silencieusement|en arrière plan|en secret|furtivement|à l'insu|` +
			`en secreto|secretamente|silenciosamente|en segundo plano|discretamente|sigilosamente|a escondidas|` +
			`em segredo|secretamente|em segundo plano|discretamente|às escondidas`,
		cUnaware: `ne doit pas savoir|ne doit rien savoir|cache le|no debe saber|no debe enterarse|não deve saber|não pode saber|esconda do usuário|oculta al usuario|à l'insu de|sans que l'utilisateur|sans en informer|sans prévenir|sans le consentement|sans demander|` +
			`sin que el usuario|sin conocimiento|sin el consentimiento|sin informar|sin avisar|sin decirle|sin que lo sepa|` +
			`sem que o usuário|sem o conhecimento|sem o consentimento|sem informar|sem avisar`,
		cSend: `envoie*|envoyez|envoyer|transmet*|transfère*|téléverse*|poste*|expédie*|` +
			`envía|envíe|enviar|envíalo|envíalos|manda|mandar|sube|subir|transmite|transmitir|reenvía|publica|` +
			`envie|envia|mande|transmita|carregue|faça upload|encaminhe`,
		cRead: `lis|lisez|lire|récupère*|récupérez|collecte*|copie*|recherche*|rassemble*|` +
			`lee|lea|leer|recopila|recopilar|recoge|copia|copiar|busca|extrae|obtén|reúne|` +
			`leia|ler|colete|coletar|copie|busque|extraia|recolha|reúna`,
		cCred: `mot de passe|mots de passe|clé api|clés api|identifiants|jeton*|clé d'api|clé|clés|` +
			`contraseña*|clave|claves|credencial*|clave de api|claves de api|` +
			`senha|senhas|credenciais|chave|chaves|chave de api`,
		cVault: `clés ssh|clé ssh|clés privées|clé privée|portefeuille*|phrase de récupération|tous les mots de passe|trousseau|fichier .env|` +
			`claves ssh|clave ssh|claves privadas|clave privada|frase semilla|monedero|billetera|todas las contraseñas|archivo .env|` +
			`chaves ssh|chave ssh|chaves privadas|chave privada|carteira|frase semente|todas as senhas|arquivo .env`,
		cPrivate: `variables d'environnement|historique de conversation|historique des conversations|données personnelles|données privées|l'historique|` +
			`variables de entorno|historial de conversación|historial de la conversación|datos personales|datos privados|el historial|` +
			`variáveis de ambiente|histórico da conversa|histórico de conversa|dados pessoais|dados privados|o histórico`,
		cOutside: `serveur externe|serveur distant|notre serveur|l'adresse suivante|l'url suivante|` +
			`servidor externo|servidor remoto|nuestro servidor|la siguiente url|la siguiente dirección|` +
			`nosso servidor|seguinte url|seguinte endereço`,
		cDisable: `désactive*|désactivez|contourne*|contournez|supprime*|saute|` +
			`desactiva|desactive|desactivar|deshabilita|omite|omitir|salta|elude|` +
			`desative|desativar|desabilite|pule|contorne|burle`,
		cSafety: `vérifications de sécurité|contrôles de sécurité|mesures de sécurité|approbation*|bac à sable|antivirus|pare feu|confirmations|protections|` +
			`controles de seguridad|medidas de seguridad|comprobaciones de seguridad|aprobacion*|aprobación|antivirus|cortafuegos|protecciones|` +
			`verificações de segurança|medidas de segurança|controles de segurança|aprovaç*|antivírus|proteções`,
		cForever: `désormais|dorénavant|à partir de maintenant|dans toutes les sessions|toujours|` +
			`a partir de ahora|de ahora en adelante|en todas las sesiones|permanentemente|` +
			`a partir de agora|de agora em diante|em todas as sessões|permanentemente`,
		cStore: `enregistre*|écris|écrivez|ajoute*|sauvegarde*|mémorise*|` +
			`guarda|guarde|guardar|escribe|añade|agrega|almacena|recuerda|` +
			`salve|salvar|escreva|adicione|armazene|lembre`,
		cMemory:   `ta mémoire|votre mémoire|mémoire à long terme|tu memoria|memoria a largo plazo|sua memória|memória de longo prazo`,
		cDownload: `télécharge*|téléchargez|installez|descarga|descargue|descargar|instala|baixe|baixar|instale`,
		cRun:      `exécute*|exécutez|lance|lancez|ejecuta|ejecute|ejecutar|execute|executar|abre|abra`,
		cRequired: `requis|nécessaire|obligatoire|prérequis|requerido|necesario|obligatorio|requisito*|necessário|obrigatório`,
		cFollow:   `suis|suivez|exécute|exécutez|obéis|sigue|siga|ejecuta|obedece|execute|obedeça`,
		cFetch:    `récupère|récupérez|télécharge|visite|obtén|descarga|visita|obtenha|baixe|acesse`,
		cUnbound:  `sans restrictions|sans restriction|sans limites|mode développeur|sin restricciones|sin límites|modo desarrollador|sem restrições|sem limites|modo desenvolvedor`,
		cBecome:   `tu es maintenant|vous êtes maintenant|agis comme|eres ahora|ahora eres|actúa como|você é agora|agora você é|aja como`,
	}
}

// russian is the lexicon's Russian part.
func russian() map[concept]string {
	return map[concept]string{
		cIgnore:   `игнориру*|проигнориру*|забудь*|не обращай внимания|отмени*|пренебреги|отбрось`,
		cPrior:    `предыдущ*|прежн*|прошл*|все|твои|ваши|системн*|выше|исходн*|ранее`,
		cInstr:    `инструкци*|указани*|правил*|ограничени*|директив*|промпт*|команд*`,
		cNot:      `не|никогда|без|нельзя|никому`,
		cReveal:   `говори*|сообща*|упомина*|показыва*|раскрыва*|рассказыва*|уведомля*|спрашива*|информиру*|предупрежда*|скажи*|сообщи*`,
		cUser:     `пользовател*|юзер*|никому|человеку|владельц*`,
		cAct:      `об этом|это действие|этот шаг|этом шаге|этого|эту операцию|этой операции|о передаче|об отправке|этом|эту команду`,
		cSecretly: `тайно|незаметно|скрытно|втайне|в фоне|в фоновом режиме|молча|тихо|секретно`,
		cUnaware:  `никому об этом|никому не говори|держи в тайне|держи в секрете|скрой от пользователя|скрывай от пользователя|без ведома|без согласия|без уведомления|не уведомляя|не сообщая|не спрашивая|чтобы пользователь не`,
		cSend:     `отправ*|отправь*|переда*|перешли*|загрузи*|выгрузи*|посла*|пошли*|отошли*`,
		cRead:     `прочита*|прочти*|собери*|собрать|скопиру*|найди*|извлек*|считай*|открой*`,
		cCred:     `пароль|пароли|паролей|ключ|ключи|ключей|токен*|учетные данные|секрет*`,
		cVault:    `ssh ключ*|приватн* ключ*|закрыт* ключ*|кошелек|кошельк*|сид фраз*|сохраненные пароли|все пароли|файл .env`,
		cPrivate:  `переменные окружения|переменных окружения|историю переписки|история чата|историю чата|личные данные|историю разговора|персональные данные`,
		cOutside:  `внешний сервер|удаленный сервер|наш сервер|на сервер|по адресу|следующий адрес`,
		cDisable:  `отключи*|выключи*|обойди*|пропусти*|деактивиру*|сними*`,
		cSafety:   `проверк* безопасности|защит*|антивирус*|песочниц*|подтвержден*|разрешени*|меры безопасности`,
		cForever:  `отныне|с этого момента|впредь|навсегда|во всех сессиях|постоянно|с сегодняшнего дня`,
		cStore:    `сохрани*|запиши*|запомни*|добавь*|внеси*`,
		cMemory:   `в память|память агента|долговременн* память`,
		cDownload: `скача*|загрузи*|установи*`,
		cRun:      `запусти*|выполни*|открой*`,
		cRequired: `необходимо|требуется|обязательно|обязательн*`,
		cFollow:   `следуй*|выполни*|выполняй*|исполни*`,
		cFetch:    `загрузи*|открой*|получи*|скача*|зайди*`,
		cUnbound:  `без ограничений|неограниченн*|режим разработчика`,
		cBecome:   `ты теперь|теперь ты|вы теперь|действуй как|притворись`,
	}
}

// asian is the lexicon's part for scripts without spaces, or with glued
// particles: Chinese, Japanese, Korean, Arabic. Entries match anywhere.
func asian() map[concept]string {
	return map[concept]string{
		cIgnore:   `忽略|无视|忘记|忘掉|覆盖|不要遵守|不要遵循|無視|忽視|忘れ|従わない|上書き|무시|잊어|따르지 마|تجاهل|انس |اهمل|تجاوز`,
		cPrior:    `上面|前面|先前的|原有|既定|以前|先前|上述|所有|以上|你的|系统|系統|前の|以前の|これまで|すべての|上記|あなたの|システム|이전|위의|모든|기존|시스템|السابقة|السابق|جميع|أعلاه|كل `,
		cInstr:    `指令|指示|规则|規則|提示词|提示詞|限制|约束|命令|ルール|プロンプト|制約|지시|명령|규칙|프롬프트|제한|지침|التعليمات|تعليمات|القواعد|الأوامر|القيود|التوجيهات`,
		cNot:      `不要|不得|切勿|请勿|別|别|禁止|无需|不必|しない|せず|ないで|なく|するな|禁じ|말고|마세요|마라|말 것|않고|하지 마|없이|지 말|لا |دون|بدون|عدم|أبدا|لن `,
		cReveal:   `告诉|告訴|告知|提及|提到|提示用户|透露|显示|展示|通知|询问|说明|伝え|知らせ|言及|教え|表示|尋ね|通知|明か|알리|말하|언급|보여|표시|묻지|공개|تخبر|إخبار|ذكر|تذكر|تظهر|إبلاغ|تكشف|إعلام|اخبار|تسأل`,
		cUser:     `用户|用戶|使用者|任何人|ユーザー|ユーザ|利用者|사용자|유저|누구에게도|المستخدم|أحد`,
		cAct:      `此操作|这个操作|该操作|这一步|此步骤|这件事|此事|这些|该步骤|この操作|この手順|このこと|この処理|この指示|これを|이 작업|이 단계|이 사실|이것|이 과정|이 지시|هذه الخطوة|هذا الإجراء|هذا الأمر|هذه العملية|بذلك|عن ذلك|ذلك`,
		cSecretly: `秘密|悄悄|偷偷|暗中|静默|后台|後台|私下|こっそり|密かに|ひそかに|バックグラウンドで|裏で|黙って|몰래|은밀|백그라운드에서|조용히|비밀리|سرا|سرًا|في الخفاء|في الخلفية|بصمت|خفية`,
		cUnaware:  `对用户保密|瞒着用户|不告诉用户|不告知用户|别告诉用户|不要告诉用户|ユーザーには伝えない|ユーザーに内緒|ユーザーには秘密|사용자에게 비밀|사용자에게 알리지|사용자 몰래|不让用户|不要让用户|用户不知情|未经用户|在用户不知|别让用户|避免用户发现|ユーザーに気付かれ|ユーザーに気づかれ|ユーザーの許可なく|ユーザーに知られ|사용자 모르게|사용자가 모르게|사용자 동의 없이|사용자가 알지|دون علم|بدون علم|دون موافقة|دون إخبار`,
		cSend:     `发送|發送|上传|上傳|传送|传输|转发|提交到|外传|发到|回传|送信|アップロード|転送|送って|送る|보내|전송|업로드|전달|أرسل|إرسال|ارسل|ارفع|رفع|انقل|حمّل إلى`,
		cRead:     `读取|讀取|收集|获取|复制|搜索|扫描|提取|查找|打开|読み取|読み込|収集|取得|コピー|探し|検索|읽|수집|복사|가져|추출|찾|اقرأ|قراءة|اجمع|انسخ|استخرج|جمع|ابحث`,
		cCred:     `密钥|密鑰|密码|密碼|令牌|凭证|凭据|口令|パスワード|秘密鍵|トークン|認証情報|APIキー|비밀번호|암호|토큰|자격 증명|API 키|자격증명|كلمة المرور|كلمات المرور|مفتاح|مفاتيح|رمز|بيانات الاعتماد`,
		cVault:    `SSH密钥|ssh密钥|ssh 密钥|私钥|私鑰|钱包|助记词|钥匙串|.env文件|.env 文件|ssh鍵|SSH鍵|ssh 鍵|ウォレット|シードフレーズ|キーチェーン|.envファイル|SSH 키|ssh 키|개인 키|지갑|시드 구문|.env 파일|مفاتيح ssh|المفتاح الخاص|المحفظة|عبارة الاسترداد`,
		cPrivate:  `环境变量|環境變數|聊天记录|对话历史|对话记录|系统提示词|个人信息|用户数据|隐私数据|環境変数|会話履歴|個人情報|チャット履歴|환경 변수|환경변수|대화 기록|개인정보|대화 내역|متغيرات البيئة|سجل المحادثة|البيانات الشخصية`,
		cOutside:  `外部服务器|远程服务器|服务器|以下地址|以下网址|外部サーバー|リモートサーバー|サーバーに|次のurl|次のアドレス|외부 서버|원격 서버|서버로|다음 주소|다음 url|خادم خارجي|الخادم|العنوان التالي|الرابط التالي`,
		cDisable:  `を切って|を切る|オフにし|关闭|禁用|停用|绕过|跳过|关掉|無効|回避|スキップ|バイパス|비활성|끄고|우회|건너뛰|해제|تعطيل|عطّل|عطل|تخطي|أوقف`,
		cSafety:   `保護機能|安全设置|安全检查|安全机制|安全限制|审批|沙箱|沙盒|杀毒|防火墙|安全防护|セキュリティチェック|安全機構|サンドボックス|承認|ウイルス対策|セキュリティ機能|보안 검사|샌드박스|승인|백신|보안 기능|안전 장치|فحص الأمان|الحماية|مكافحة الفيروسات|الموافقة|صندوق الحماية|إجراءات الأمان`,
		cForever:  `从现在开始|从现在起|今后|以后每次|永久|所有会话|每次会话|これから|今後|常に|永続|すべてのセッション|지금부터|앞으로|항상|영구|모든 세션|من الآن فصاعدا|من الآن|دائما|في كل جلسة|إلى الأبد`,
		cStore:    `保存|写入|寫入|记住|添加到|追加|存储|書き込|記憶|覚え|追記|저장|기록|기억|추가|احفظ|حفظ|أضف|تذكّر|اكتب`,
		cMemory:   `记忆文件|长期记忆|你的记忆|長期記憶|メモリに|장기 기억|메모리에|ذاكرتك|الذاكرة`,
		cDownload: `下载|下載|安装|ダウンロード|インストール|다운로드|설치|قم بتنزيل|تنزيل|تثبيت|حمّل|ثبّت`,
		cRun:      `运行|运作|执行|執行|打开|启动|実行|起動|開いて|실행|구동|열어|شغّل|تشغيل|نفّذ|تنفيذ|افتح`,
		cRequired: `必须|必需|必要|前提|前置|必ず|필수|반드시|필요|مطلوب|يجب|ضروري|إلزامي`,
		cTerminal: `终端|命令行|ターミナル|터미널|الطرفية|سطر الأوامر`,
		cPaste:    `粘贴|复制并|貼り付け|붙여넣|الصق`,
		cLocked:   `解压密码|密码为|密码是|パスワードは|解凍パスワード|비밀번호는|압축 비밀번호|كلمة مرور الأرشيف`,
		cArtifact: `压缩包|安装包|安装程序|可执行文件|zipファイル|インストーラ|実行ファイル|압축 파일|설치 파일|실행 파일|ملف تنفيذي|أرشيف|برنامج التثبيت`,
		cFollow:   `遵循|遵守|按照|执行|照做|服从|従っ|従う|実行|따르|실행|수행|اتبع|نفّذ|التزم`,
		cFetch:    `获取|下载|访问|打开|加载|取得|アクセス|読み込|ダウンロード|가져|다운로드|접속|방문|احصل|حمّل|افتح|زر `,
		cUnbound:  `没有限制|不受限制|无限制|越狱|开发者模式|制限なし|無制限|開発者モード|제한 없|무제한|개발자 모드|بلا قيود|بدون قيود|غير مقيد`,
		cBecome:   `你现在是|你將扮演|扮演|あなたは今|あなたは今から|として振る舞|당신은 이제|너는 이제|역할을|أنت الآن|تصرف ك`,
		cAgent:    `助手|智能体|模型|人工智能|アシスタント|エージェント|モデル|어시스턴트|에이전트|모델|المساعد|النموذج`,
		cQuote:    `例如|比如|检测|攻击|恶意|示例|例えば|検出|攻撃|悪意|예를 들어|탐지|공격|악성|مثل |كشف|هجوم`,
		cUrgent:   `立即|马上|紧急|至急|直ちに|즉시|긴급|فورا|عاجل`,
	}
}
