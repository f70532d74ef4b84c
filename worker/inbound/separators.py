"""What stands above a mail that is quoted without a mark: a ruled line, or a block of headers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto

from worker.inbound.lines import Line, is_blank

REPLY_MARKER = "-=-=-"
"""Stands at both ends of a line in our letters such as ``-=-=- Please reply above -=-=-``."""

_MARKER = re.compile(rf"{re.escape(REPLY_MARKER)}.{{0,120}}{re.escape(REPLY_MARKER)}")

_PHRASES = re.compile(
    r"""(?:
    (?:begin\ )?(?:original|forwarded|reply|replied)\ (?:message|mail|e-mail|email|appointment)
    |(?:urspr(?:ü|ue)ngliche|original|weitergeleitete|origin[aä]l)\ ?-?(?:nachricht|e-?mail|mail)
    |antwort-?\ ?nachricht
    |anfang\ der\ weitergeleiteten\ (?:nachricht|e-?mail)
    |message\ (?:d['’]origine|original|transf[ée]r[ée]|initial|r[ée]exp[ée]di[ée]|cit[ée])
    |mail\ original|d[ée]but\ du\ message\ (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])
    |mensaje\ (?:original|reenviado)|inicio\ del\ mensaje\ reenviado|correo\ original
    |messaggio\ (?:originale|inoltrato)|inizio\ messaggio\ inoltrato
    |mensagem\ (?:original|encaminhada)|in[íi]cio\ da\ mensagem\ (?:re)?encaminhada
    |oorspronkelijk\ bericht|origineel\ bericht|doorgestuurd\ bericht
    |begin\ doorgestuurd\ bericht
    |urspr(?:ungligt|ungligt)\ meddelande|originalmeddelande
    |vidarebefordrat\ (?:meddelande|brev)|vidarebefordrat\ mail
    |oprindelig\ (?:meddelelse|besked|mail)|videresendt\ (?:meddelelse|besked|mail)
    |opprinnelig\ melding|videresendt\ melding|alkuperäinen\ viesti|välitetty\ viesti
    |wiadomość\ oryginalna|oryginalna\ wiadomość|(?:przekazana|przesłana)\ wiadomość
    |pierwotna\ wiadomość|treść\ oryginalnej\ wiadomości
    |původní\ (?:zpráva|e-mail)|přeposlaná\ zpráva|pôvodná\ správa|preposlaná\ správa
    |eredeti\ üzenet|továbbított\ (?:üzenet|levél)|mesaj\ (?:original|inițial|redirecționat)
    |исходное\ сообщение|первоначальное\ сообщение|пересылаемое\ сообщение
    |пересланное\ сообщение|переслане\ повідомлення|(?:вихідне|оригінальне)\ повідомлення
    |αρχικό\ μήνυμα|προωθημένο\ μήνυμα|orijinal\ (?:mesaj|ileti)|(?:özgün|iletilen)\ (?:ileti|mesaj)
    |原始邮件|原始郵件|原邮件|转发邮件|轉寄郵件|转发的邮件|原始邮件信息
    |元のメッセージ|オリジナルメッセージ|転送(?:された)?メッセージ|元のメール
    |원본\ ?(?:메시지|메일)|전달된\ ?메시지|הודעה\ מקורית|הודעה\ שהועברה
    |الرسالة\ الأصلية|رسالة\ معاد\ توجيهها|tin\ nhắn\ gốc|thư\ gốc|pesan\ asli
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_RULED = re.compile(r"[-_*=~—–]{2,60} ?(.{3,60}?) ?[-_*=~—–:]{1,60}")
_BEGINNING = re.compile(r"(.{3,60}?) ?[:：]")
_RULE = re.compile(r"[-_=*~—–‒]{5,}")

_LABELS = {
    "from": (
        "from", "von", "de", "da", "van", "från", "fra", "lähettäjä", "od", "feladó", "de la",
        "от", "от кого", "від", "από", "kimden", "gönderen", "发件人", "發件人", "寄件者", "寄件人",
        "差出人", "送信者", "보낸 사람", "보낸사람", "מאת", "من", "dari", "từ", "expéditeur",
        "remitente", "mittente", "afzender", "absender", "avsändare", "avsender", "afsender",
        "nadawca", "odesílatel", "отправитель", "จาก", "dla", "от имени",
    ),
    "date": (
        "date", "sent", "datum", "gesendet", "envoyé", "envoyé le", "enviado", "enviado el",
        "enviada", "enviada em", "enviado em", "fecha", "data", "inviato", "data invio",
        "verzonden", "skickat", "sendt", "dato", "lähetetty", "päivämäärä", "wysłano", "wysłane",
        "odesláno", "odoslané", "dátum", "elküldve", "küldve", "trimis", "отправлено", "дата",
        "надіслано", "ημερομηνία", "στάλθηκε", "tarih", "gönderildi", "gönderme tarihi",
        "发送时间", "發送時間", "寄件日期", "日期", "日時", "送信日時",
        "보낸 날짜", "보낸날짜", "날짜",
        "נשלח", "תאריך", "تاريخ", "التاريخ", "تم الإرسال", "أُرسلت", "sent at", "sent on",
        "tanggal", "dikirim", "ngày", "đã gửi", "date d'envoi", "kuupäev", "saadetud", "le",
    ),
    "to": (
        "to", "an", "à", "a", "para", "aan", "till", "til", "vastaanottaja", "do", "komu",
        "címzett", "către", "кому", "προς", "kime", "alıcı", "收件人", "收件者", "宛先",
        "받는 사람",
        "받는사람", "אל", "إلى", "kepada", "đến", "pour", "destinataire", "destinatario",
        "destinatário", "empfänger", "mottagare", "modtager", "mottaker", "ke", "pro", "adresat",
    ),
    "subject": (
        "subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "ämne", "emne",
        "aihe", "temat", "předmět", "predmet", "tárgy", "subiect", "тема", "θέμα", "konu", "主题",
        "主題", "主旨", "件名", "제목", "נושא", "الموضوع", "subjek", "perihal", "chủ đề", "sujet",
        "teema", "re",
    ),
    "other": (
        "cc", "bcc", "kopie", "kopia", "kopi", "copie", "copia", "cópia", "cc:", "reply-to",
        "reply to", "antwort an", "répondre à", "responder a", "rispondi a", "antwoorden",
        "svar til", "importance", "priority", "wichtigkeit", "attachments", "anlagen", "копия",
        "抄送", "副本", "참조", "kopio", "dw", "organization", "organisation", "sender",
        "message-id",
        "beantwoorden - aan", "kópia", "bilgi",
    ),
}  # fmt: skip
_KINDS = {label: kind for kind, labels in _LABELS.items() for label in labels}
_FIELD = re.compile(
    r"[\s>*_|]{0,8}([^\s:：*][^:：*\n]{0,24}?)[ \u00a0]?[*_]{0,2}\s?[:：][*_]{0,2}\s*(.*)"
)
_FIELDS = re.compile(r"(?:^|(?<=\s))([^\s:：]{2,14})\s?[:：](?=\s)")
_STAMP = re.compile(r"\d{1,2}:\d\d:\d\d [+-]\d{4}\b")
_DASHES = re.compile(r"[-_*=]{3,4}|(?:[-_*] ){2,4}[-_*]")
_OTHERS = frozenset({"date", "to", "subject"})
_LONGEST_BLOCK = 14


def is_marker(text: str) -> bool:
    """Whether a line is the one in our letters above which a reply belongs."""
    return len(text) < 1_000 and _MARKER.search(text) is not None


def is_rule(text: str) -> bool:
    """Whether a line is drawn across the page."""
    return _RULE.fullmatch(text.strip()) is not None


def is_short_rule(text: str) -> bool:
    """Whether a line is drawn with so few strokes that people draw it, too ("---", "* * *")."""
    return _DASHES.fullmatch(text.strip()) is not None


class Announcement(Enum):
    """How sure it is that a line announces another mail."""

    NONE = auto()
    SPOKEN = auto()
    """Somebody may have written it: "Original message:"."""
    RULED = auto()
    """Only a program draws it: "-----Original Message-----"."""


def announces_mail(text: str) -> Announcement:
    """Return whether a line says that another mail follows."""
    text = text.strip().strip("*").strip()
    if not 6 <= len(text) <= 160:
        return Announcement.NONE
    for shape, result in ((_RULED, Announcement.RULED), (_BEGINNING, Announcement.SPOKEN)):
        found = shape.fullmatch(text)
        if found and _PHRASES.fullmatch(found[1].strip(" -_*=:—–")):
            return result
    return Announcement.NONE


def header_block(lines: Sequence[Line], start: int, *, announced: bool = False) -> int:
    """Return where the block of a mail's headers that begins at ``start`` ends; 0 without one.

    At least a sender and two of date, recipient and subject, in any order and language, with an
    address or a date's figures: nobody writes that by hand. One of them is enough where a rule or
    a phrase has announced the block; a recipient and a program's timestamp where the sender is
    missing. Some systems lose the line breaks between the fields.
    """
    if _kind(lines[start].text) is None:
        return 0
    if _is_a_block(lines[start].text):
        return start + 1
    kinds: set[str] = set()
    sure = spaced = stamped = addressed = False
    at = end = start
    depth = lines[start].depth
    while at < min(len(lines), start + _LONGEST_BLOCK) and lines[at].depth == depth:
        if found := _kind(lines[at].text):
            kind, value = found
            gap = at > end
            if end == start + 1:
                spaced = gap and is_blank(lines[at - 1])
            elif spaced and not gap:
                return 0  # the first line, a paragraph away, is not one of them
            kinds.add(kind)
            sure = sure or (kind == "from" and "@" in value)
            sure = sure or (kind == "date" and sum(each.isdigit() for each in value) >= 3)
            stamped = stamped or (kind == "date" and _STAMP.search(value) is not None)
            addressed = addressed or (kind == "to" and "@" in value)
            end = at + 1
        elif is_blank(lines[at]):
            # An empty line may stand between any two fields: markup has made it.
            if at + 1 >= len(lines) or not _kind(lines[at + 1].text):
                break
            if end > start + 1 and not spaced:
                break
        elif len(lines[at].text) > 500 or at > end + 2:
            break
        at += 1
    if stamped and addressed:
        return end
    enough = 1 if announced else 2
    return end if "from" in kinds and len(kinds & _OTHERS) >= enough and sure else 0


def _is_a_block(text: str) -> bool:
    """Whether one line holds all of a block: a sender, a date, a recipient and a subject."""
    if len(text) > 1_000 or "@" not in text:
        return False
    kinds = {_KINDS.get(label.casefold()) for label in _FIELDS.findall(text)}
    return kinds >= _OTHERS | {"from"}


def _kind(text: str) -> tuple[str, str] | None:
    field = _FIELD.match(text) if len(text) <= 2_000 else None
    if field is None:
        return None
    kind = _KINDS.get(field[1].strip().casefold())
    return (kind, field[2]) if kind else None
