"""How machines begin their subjects and sentences, by language; a person's words are no match.

Subjects are matched from their beginning and up to a colon or the end: "Automatic reply: ..." is a
machine's, "Automatic thoughts" and "Re: Automatic reply" are not.
"""

from __future__ import annotations

import re

REPLY_PREFIX = re.compile(
    r"\s*(?:re|aw|antw|sv|vs|vá|odp|ynt|rv|ref|res|rif|r|回复|回覆|答复|返信|답장|ответ|відп|απ|תשובה|رد|"
    r"fwd?|wg|tr|vb|vl|i|enc|doorst|pd|转发|轉寄|転送)\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:：]",
    re.IGNORECASE,
)

_PHRASES = (
    # English
    r"(?:yahoo! )?auto(?:matic|mated|matically generated)?[ -]?"
    r"(?:reply|response|responder|answer|message)"
    r"(?: from .{1,60})?|automatic (?:e-?mail )?reply|auto(?:reply|responder)|auto[ -]?generated|"
    r"out[- ]of[- ](?:the[- ])?office(?: (?:auto[- ]?reply|autoreply|reply|notice|notification"
    r"|message|response|alert))?|ooo|oof|away from (?:my )?(?:mail|e-?mail|office|desk)(?: reply)?|"
    r"vacation (?:reply|response|notice|message|auto-?reply)|on vacation|on leave|on holiday|"
    r"i(?:['’]m| am) (?:currently )?out of (?:the )?office.{0,80}|"
    r"out of (?:the )?office (?:until|till|from|through|on|\d).{0,60}",
    # German
    r"automatische (?:antwort|r[üu]ckantwort|nachricht|r[üu]ckmeldung|e-?mail[- ]?antwort)|"
    r"auto(?:matische)?[- ]?antwort|abwesenheits(?:notiz|nachricht|meldung|assistent|mitteilung|"
    r"info)|"
    r"abwesend(?: vom .{1,40})?|abwesenheit|nicht im b[üu]ro|urlaubs(?:notiz|meldung|"
    r"benachrichtigung)|"
    r"eingangsbest[äa]tigung|au(?:ß|ss)er haus",
    # French
    r"r[ée]ponse auto(?:matique)?|r[ée]pondeur(?: automatique)?|message automatique|"
    r"absen(?:t|ce)(?: du bureau)?|avis d['’]absence|message d['’]absence|(?:en )?cong[ée]s",
    # Spanish, Portuguese, Catalan, Galician
    r"respuesta autom[áa]tica|contestaci[óo]n autom[áa]tica|autorespuesta|fuera de (?:la )?oficina|"
    r"mensaje autom[áa]tico|resposta autom[àáa]tica|resposta auto|fora do? escrit[óo]rio|"
    r"aus[êe]ncia(?: tempor[áa]ria)?|de f[ée]rias|fora de l['’]oficina|ausente",
    # Italian
    r"risposta automatica|messaggio automatico|fuori (?:ufficio|sede)|assenza|assente|"
    r"risposta non al computer",
    # Dutch
    r"automatisch (?:antwoord|bericht)|automatische reply|afwezig(?:heid(?:sbericht|smelding)?)?|"
    r"niet (?:aanwezig|op kantoor)",
    # Danish, Norwegian, Swedish, Icelandic, Finnish
    r"auto(?:matisk(?:t)?)?[ -]?svar|automatisk (?:besvarelse|tilbagemelding|svarmelding)|autosvar|"
    r"frav[æa]r(?:ende|smeddelelse|smelding)?|fr[åa]nvaro(?:meddelande)?|fr[åa]nvarande|"
    r"ikke p[åa] kontoret|ikke til stede|ute av kontoret|sj[áa]lfvirkt svar|"
    r"automaattinen (?:vastaus|poissaoloviesti)|poissa(?: toimistosta|oloilmoitus|olo)|"
    r"automaattivastaus",
    # Polish, Czech, Slovak, Slovene, Croatian, Serbian, Hungarian, Romanian
    r"automatyczna odpowied[źz]|odpowied[źz] automatyczna|autoodpowied[źz]|"
    r"(?:poza biurem|nieobecno[śs][ćc](?: w biurze)?)|automatick[áa] odpov[eě][dď]|"
    r"mimo kancel[áa][řr]|nep[řr][ií]tomnos[tť]|samodejni odgovor|odsotnost|automatski odgovor|"
    r"аутоматски одговор|automatikus v[áa]lasz|h[áa]zon k[ií]v[üu]l|r[ăa]spuns automat|"
    r"mesaj automat|absent din birou",
    # Russian, Ukrainian, Bulgarian
    r"авто(?:матический )?ответ(?:чик)?|автоматическое (?:сообщение|уведомление)|"
    r"автоматична в[іи]дпов[іи]дь|автов[іи]дпов[іи]дь|автоматичен отговор|нет на месте|"
    r"отсутстви[ея]|в отпуске",
    # Greek, Turkish, Estonian, Latvian, Lithuanian
    r"αυτόματη απάντηση|εκτός γραφείου|otomatik (?:yan[ıi]t|cevap)|ofis d[ıi][şs][ıi]nda|"
    r"automaatvastus|automaatne vastus|autom[āa]tisk[āa] atbilde|automatinis atsakymas",
    # Japanese, Chinese, Korean, Vietnamese, Thai, Indonesian
    r"自動(?:返信|応答|回覆|回复)(?:メール)?|不在(?:通知|連絡|のお知らせ)|自动(?:回复|答复)|外出(?:通知)?|"
    r"자동\s?(?:회신|응답|답장)|부재\s?중(?: 알림)?|trả lời tự động|tự động trả lời|ตอบกลับอัตโนมัติ|"
    r"balasan otomatis|jawaban otomatis|di luar kantor",
    # Hebrew, Arabic, Persian
    r"(?:תשובה|מענה|הודעה) אוטומטית?|מחוץ למשרד|(?:ال)?رد (?:ال)?تلقائي|رد آلي|خارج المكتب|"
    r"پاسخ خودکار",
)  # fmt: skip
AWAY_SUBJECTS = re.compile(
    rf"\s*[\[(*<]?\s*(?:auto(?=\s*[:：\]])|{'|'.join(_PHRASES)})\s*"
    r"(?:[:：\])>*(]|[–—-]\s|$|(?<=\s)(?=(?:re|aw|sv|antw|wg|fwd?|rif|res|odp)\s?[:：]))",
    re.IGNORECASE,
)
AWAY_ENDINGS = re.compile(
    rf"[\[(]\s*(?:{'|'.join(_PHRASES)})\s*[\])]\s*$",
    re.IGNORECASE,
)
DOUBTFUL_SUBJECTS = re.compile(
    r"\W*(?:on (?:vacation|leave|holiday)|away from (?:my )?(?:mail|e-?mail|office|desk)|ooo|"
    r"abwesend|abwesenheit|au(?:ß|ss)er haus|absent|absence|(?:en )?cong[ée]s|aus[êe]ncia|"
    r"de f[ée]rias|ausente|assenza|assente|afwezig(?:heid)?|frav[æa]r(?:ende)?|fr[åa]nvaro|"
    r"fr[åa]nvarande|ikke til stede|poissa(?:olo)?|nieobecno[śs][ćc]|nep[řr][ií]tomnos[tť]|"
    r"odsotnost|отсутстви[ея]|в отпуске|нет на месте|外出)\W*",
    re.IGNORECASE,
)
"""All of a subject: a person may have written it, too."""

AUTOMATIC_WORDS = re.compile(
    r"this is an? (?:auto-?|automat\w+(?: generated)? )(?:e-?mail|message|reply|response|"
    r"notification)"
    r"(?: to your (?:e-?mail|message|inquiry|request))?\s*[.,;:!)\]\n*–-]"
    r"|(?:please )?do not reply to this (?:automated|automatic|e-?mail|message)"
    r"|dies ist eine automatisch\w*(?: (?:erstellte|generierte|versandte))? "
    r"(?:antwort|nachricht|e-?mail|mail|abwesenheitsnotiz)"
    r"|diese (?:nachricht|e-?mail) wurde automatisch (?:erstellt|generiert|versandt)"
    r"|ceci est (?:une réponse|un message|un e-?mail)(?: \w+)? automatique"
    r"|est[ae] es un[ao]? (?:respuesta|mensaje|correo)(?: \w+)? autom[áa]tic[ao]"
    r"|quest[oa] è un[a']? ?(?:messaggio|risposta|e-?mail) automatic[ao]"
    r"|est[ae] é uma? (?:resposta|mensagem|e-?mail) autom[áa]tic[ao]"
    r"|dit is een automatisch(?: gegenereerd)?e? (?:bericht|antwoord|e-?mail)"
    r"|dette er et? automatisk|detta är ett automatiskt|tämä on automaattinen"
    r"|to jest automatyczna (?:odpowiedź|wiadomość)|это автоматическ(?:ий ответ|ое сообщение)"
    r"|このメールは自動|自動(?:返信|応答|配信)(?:メール|されて|です|いたし)|这是(?:一封)?自动(?:回复|答复)",
    re.IGNORECASE,
)

RECEIPT_WORDS = re.compile(
    r"your message\s+to:.{1,500}?\bwas (?:read|deleted|displayed|not read)\b"
    r"|ihre nachricht\s+an:.{1,500}?\bwurde (?:am .{1,60})?(?:gelesen|ungelesen|gelöscht)"
    r"|ihre nachricht wurde (?:gelesen|ungelesen gelöscht)"
    r"|votre message\s+[àa] ?:.{1,500}?\ba été (?:lu|supprimé)"
    r"|(?:el|su) mensaje\s+para:.{1,500}?\b(?:fue leído|se ha leído|se leyó)"
    r"|this is an? (?:return |read )?receipt for the (?:mail|message|e-?mail)"
    r"|dies ist eine empfangsbestätigung für"
    r"|\bwould like to recall the message\b|möchte die nachricht .{1,200} zurückrufen",
    re.IGNORECASE | re.DOTALL,
)
"""What a mail program says that nobody reads as an answer: read, deleted, recalled."""

CHALLENGE_WORDS = re.compile(
    r"protecting (?:myself|my inbox|my mailbox) from (?:receiving )?(?:junk|spam)"
    r"|\b(?:account|mailbox|inbox|e-?mail address) is protected by (?!me\b)\w"
    r"|(?:add yourself|be added) to (?:my|the recipient['’]s) (?:guest|allowed|approved) list"
    r"|your (?:message|e-?mail) .{0,120}\b(?:waitlisted|quarantined|will be held until)\b",
    re.IGNORECASE,
)
"""How a filter asks an unknown sender to prove themselves."""

RECEIVED_SUBJECTS = re.compile(
    r"\s*(?:\[request received\]|ticket (?:received|created)\b|eingangsbest[äa]tigung\b"
    r"|(?:your )?(?:support )?(?:request|ticket|enquiry|inquiry) ?(?:[#(\[][^\s\])]{1,20}[\])]? ?)?"
    r"(?:has been |was )?received\b"
    r"|we(?: have|['’]ve)? received your\b)",
    re.IGNORECASE,
)
RECEIVED_WORDS = re.compile(
    r"(?:(?:dear|hi|hello)[^\n]{0,60}\n\s*)?(?:"
    r"your (?:support )?(?:request|ticket|enquiry|inquiry|case) ?(?:\(|#|no\b|id\b|number\b)"
    r"[^.\n]{0,60} has been (?:received|created|updated|logged|opened)"
    r"|(?:we|this is to) (?:would like to |hereby )?acknowledge (?:that we have received|"
    r"receipt of)"
    r"|(?:thank you for (?:contacting|e-?mailing|writing to|reaching out to) [^.!\n]{1,60}[.!]"
    r"\s+)?(?:we have|we['’]ve) received your (?:e-?mail|message|request|ticket|inquiry|enquiry)\b"
    r"[^.!?\n]{0,60}(?:\band (?:will|shall)\b|[.!]\s+(?:we|our|one of|a member|please)\b))",
    re.IGNORECASE,
)
"""How a desk's system acknowledges whatever reaches it."""

AWAY_OPENINGS = re.compile(
    r"(?:(?:dear|hi|hello|hallo|bonjour|hola|ciao|hej|liebe|sehr|guten|good)[^\n]{0,60}?[\n,!]\s*)?"
    r"(?:thank(?:s| you) for (?:your|the) (?:e-?mail|mail|message|note)\W*)?"
    r"(?:(?:i am|i'm|i’m|i will be|we are) (?:currently |presently |now )?(?:out of (?:the |"
    r"my )?office"
    r"|away from (?:the |my )?(?:office|desk|mail|e-?mail)|on (?:vacation|annual leave|leave|"
    r"holiday"
    r"|maternity|parental)|(?:currently )?away (?:until|till|from|on|for|and)\b)"
    r"|i (?:will be|am) (?:back|returning) (?:in|on|to)|out of (?:the )?office"
    r"|ich bin (?:\S+ ){0,4}(?:nicht im (?:b[üu]ro|haus)|im urlaub|abwesend|nicht erreichbar|"
    r"außer haus)"
    r"|vielen dank f[üu]r (?:ihre|deine) (?:nachricht|e-?mail|mail)\.? ich bin"
    r"|je suis (?:actuellement |en ce moment )?(?:absente?|en (?:congés?|vacances)|hors du bureau)"
    r"|(?:actualmente )?(?:estoy|estaré|me encuentro) (?:\S+ ){0,2}(?:fuera de|de vacaciones|"
    r"ausente)"
    r"|(?:sono|sarò) (?:\S+ ){0,2}(?:fuori (?:ufficio|sede)|assente|in ferie)"
    r"|(?:estou|estarei) (?:\S+ ){0,2}(?:fora do|de férias|ausente)"
    r"|ik ben (?:\S+ ){0,3}(?:afwezig|niet (?:aanwezig|op kantoor)|met vakantie|op vakantie)"
    r"|jeg (?:er|har) (?:\S+ ){0,3}(?:ferie|fravær|ikke på kontor)|jag (?:är|har) (?:\S+ ){0,3}"
    r"(?:semester|inte på kontoret|ledig)|olen (?:\S+ ){0,2}(?:lomalla|poissa)"
    r"|(?:jestem|przebywam) (?:\S+ ){0,2}(?:poza biurem|na urlopie|nieobecn)"
    r"|(?:я )?(?:сейчас )?(?:нахожусь )?в отпуске)",
    re.IGNORECASE,
)

BOUNCE_SUBJECTS = re.compile(
    r"\s*(?:(?:\[?(?:warning|error|notice|ndr|ndn|failure)\]?\s*[:：-]?\s*)?(?:"
    r"undeliver(?:ed|able)\b|non-?deliver(?:y|able)|not deliver(?:ed|able)|unable to deliver|"
    r"delivery (?:status notification|notification|failure|failed|has failed|error|problem|report|"
    r"delayed|unsuccessful|incomplete)|deliver(?:y|ies) .{0,30}fail|"
    r"(?:your )?(?:e-?)?(?:mail|message)s?\b.{0,60}?(?:could not be|couldn't be|cannot be|"
    r"was not|not "
    r"be) (?:\w+ )?(?:deliver|sent)|(?:e-?)?mail delivery|failure notice|returned (?:e-?)?mail|"
    r"mail (?:system error|failure|failed|returned|undeliverable|status report|error)|"
    r"delayed mail|message (?:delayed|delivery|status|you sent|bounced|undeliverable)|"
    r"failed (?:delivery|mail)|permanent(?: delivery)? (?:failure|error)|rejected mail|"
    r"address (?:error|not found)|unknown (?:user|recipient|address)|user unknown|nondeliverable|"
    r"could not (?:send|deliver)|message could not|your message couldn't|delivery status|"
    r"bounced?\b))"
    r"|\s*(?:unzustellbar|nicht zustellbar|unzustellbare nachricht|zustellung|mail konnte nicht|"
    r"übermittlung fehlgeschlagen|non remis|non distribu|échec|avis de non|message non|"
    r"no se (?:puede|pudo) entregar|no entregado|error de entrega|devoluci[óo]n|"
    r"non recapitabile|mancato recapito|errore di consegna|consegna|não (?:é possível|entregue)|"
    r"falha|não foi possível entregar|onbestelbaar|niet bezorg|bezorging|ikke leveret|uleveret|"
    r"kunne ikke leveres|kan inte levereras|leveransfel|olevererbart|ei voitu toimittaa|"
    r"nie można dostarczyć|niedostarcz|nie dostarczono|nedoručiteln|kézbesíthetetlen|"
    r"недоставленн|не доставлено|сообщение не доставлено|недоставлено|не вдалося доставити|"
    r"teslim edilemedi|配信不能|配信エラー|配送|未配信|无法(?:投递|送达)|無法傳遞|退信|系统退信|"
    r"배달|반송|전송 실패)",
    re.IGNORECASE,
)
BOUNCE_WORDS = re.compile(
    r"could ?n[o']t be (?:\w+ ){0,2}(?:deliver|sent|reached|found)|(?:not|cannot|can't|wasn't|"
    r"un)[ -]?"
    r"(?:be )?(?:able to )?deliver|deliver\w* .{0,60}(?:fail|delay|not|error|unsuccess|problem)|"
    r"fail\w* .{0,40}(?:deliver|recipient|address)|permanent(?:ly)? (?:error|fail|fatal)|"
    r"returned to (?:the )?sender|undeliver|user unknown|unknown user|no such user|"
    r"mailbox (?:is )?full|"
    r"(?:over|exceed\w*) .{0,20}quota|recipient .{0,40}(?:reject|not|unknown)|"
    r"this is the (?:mail|qmail)|"
    r"(?:smtp|remote) (?:error|server|host)|transcript of session|\b5\d\d[ -]5\.\d\.\d|"
    r"\b5\.[0-7]\.\d{1,2}\b|nicht zugestellt|unzustellbar|n'a pas pu être|no se (?:ha )?pudo|"
    r"non è stato possibile|não foi possível|kon niet worden|не (?:удалось|может быть) доставлен|"
    r"配信(?:でき|不能)|お届けでき|送信でき|投递失败|无法投递",
    re.IGNORECASE,
)
BOUNCE_OPENINGS = re.compile(
    r"^\W*(?:"
    r"your (?:message|e-?mail|mail) (?:could ?n[o']t be|cannot be|can not be|has not been|was not) "
    r"(?:successfully )?delivered"
    r"|votre message n['’]a pas pu [êe]tre (?:d[ée]livr[ée]|remis|distribu[ée])"
    r"|ihre nachricht (?:[^\n.]{0,80} )?(?:konnte|wurde) nicht (?:[^\n.]{0,40} )?zugestellt"
    r"|su mensaje no (?:se )?(?:pudo|ha podido) (?:ser )?entreg)",
    re.IGNORECASE | re.MULTILINE,
)
"""A mail system's sentence at the beginning of a line, whoever it calls itself."""
DAEMON_NAMES = re.compile(
    r"mail(?:er)?[ -]?daemon|mail delivery (?:sub)?system|mail delivery service|"
    r"internet mail delivery|"
    r"mail delivery agent|^\W*(?:the )?post ?master\b|mail administrator|"
    r"mail ?system|^\W*mail router|delivery subsystem",
    re.IGNORECASE,
)
