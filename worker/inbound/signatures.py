"""A signature goes only where it says that it is one; in doubt it stays."""

from __future__ import annotations

import re

_LONGEST = 20
_LONGEST_LOOSE = 4
_LONGEST_LINE = 160

_THINGS = (
    r"(?:iphon\w*|ipad|ipod|apple|mac(?:book)?|android[\w-]*|samsung|galaxy|huawei|xiaomi|redmi|oneplus|"
    r"oppo|pixel|nokia|lumia|sony|xperia|htc|lg|motorola|moto|fairphone|blackberry|palm|asus|windows|outlook|acompli|"
    r"hotmail|msn|yahoo|aol|gmail|google|gmx|web\.de|freenet|t-online|proton(?:mail)?|tuta(?:nota)?|"
    r"zoho|yandex|mail\.ru|mymail|fastmail|superhuman|spark|airmail|mailbird|mailspring|newton|"
    r"boomerang|bluemail|aqua ?mail|k-?9|fairemail|thunderbird|em client|edison|polymail|verizon|"
    r"at&t|t-mobile|vodafone|orange|telekom|smart ?phone|mobil[\w-]*|handy|phone|telefon\w*|"
    r"t[ée]l[ée]phone|tel[ée]fono|telefone|telefoon|puhelim\w*|tablet\w*|device|gerät|dispositivo|"
    r"toestel|app|e?-?mail|wireless|watch|cell|mailbox|kindle|nexus|lenovo|alcatel|realme|honor|chromebook|"
    r"laptop|pc|телефон\w*|почт\w*|смартфон\w*|устройств\w*)"
)
_SENT = (
    r"sent (?:from|via|with|using|by)|gesendet (?:von|mit|über|vom)|verschickt (?:von|mit)|"
    r"envoy[ée]e? (?:de|depuis|à partir|avec|via|par)|"
    r"enviad[oa] (?:desde|do|de|a partir|pelo|por|con|mediante)|inviat[oa] (?:da|dal|con|tramite)|"
    r"verzonden (?:vanaf|met|via|vanuit|van)|verstuurd (?:vanaf|met|via)|"
    r"skickat (?:från|med|via)|skickades från|sendt (?:fra|via|med)|lähetetty|"
    r"wysłan[eoya] (?:z|za)|odesl[áa]n[oé] (?:z|ze|pomocí)|odoslan[éo] z|elküldve|küldve|"
    r"trimis (?:de pe|din|prin|de la)|отправлен[оа]? (?:с|из|от)|надіслано (?:з|із)|изпратено от|"
    r"στάλθηκε (?:από|με)|poslan[oa]? (?:s|sa|z|iz)|(?:đã )?gửi từ|dikirim dari|saadetud"
)
_GET_OUTLOOK = (
    r"(?:get|obtene[rz]|obter|obtenha|descarga\w*|t[ée]l[ée]charge[rz]|obtenir|scarica|ottieni|"
    r"download|hämta|hent|hanki|pobierz|získejte|obțineți|скачать|отримати|holen sie sich|"
    r"laden sie|beziehen sie|hol dir) (?:the |o |el )?outlook (?:for|para|pour|per|für|voor|för|"
    r"til|"
    r"dla|pro|pentru|для) [\w\s]{2,20}(?: herunter)?|outlook (?:voor|för|für) [\w\s]{2,20}"
    r"(?: downloaden| herunterladen)?|get the new aol app.{0,40}"
)
_LINES = (
    rf"(?:{_SENT})\b.{{0,40}}?\b{_THINGS}\w{{0,4}}(?!\w).{{0,40}}",
    _GET_OUTLOOK,
    rf"von mein\w+ .{{0,30}}?\b{_THINGS}.{{0,40}} (?:gesendet|geschickt)\.?",
    r"von unterwegs gesendet\.?",
    rf"diese (?:nachricht|e-?mail) wurde (?:von|mit).{{0,30}}?\b{_THINGS}.{{0,40}}"
    r" (?:gesendet|geschickt|versendet)\.?",
    r"(?:从我的|從我的).{1,30}(?:发送|發送|傳送)",
    r"(?:发自|發自|来自|來自)我的 ?(?:[a-z].{0,20}|(?:手机|手機|邮箱|郵箱).{0,10})",
    r"(?:发自|發自|发送自) ?(?:my )?(?:outlook|iphone|ipad|android|windows|foxmail|qq邮箱|"
    r"网易邮箱|邮箱大师|新浪邮箱|mail)\S{0,12}",
    r".{0,20}(?:iphone|ipad|android|スマートフォン|携帯|メール|outlook).{0,15}"
    r"から送信(?:されました)?",
    r"(?:나의|내) .{1,20}에서 ?보냄",
    r"נשלח מ.{0,10}(?:iphone|ipad|android|אייפון|הנייד|הטלפון).{0,15}",
    r"أُ?رسلت? من .{0,10}(?:iphone|ipad|android|هاتف).{0,15}",
    r".{0,12}(?:iphone|ipad|android)['’]?\w* gönderildi\.?",
    r"provenance : courrier pour windows \d*",
    r"yahoo mail: search, organi[sz]e, conquer",
    r"virus-?free\.?.{0,10}(?:www\.avast\.com|www\.avg\.com).{0,30}",
)
_CLIENT = re.compile(rf"[\s<(\[]{{0,4}}(?:{'|'.join(_LINES)})[\s>)\]]{{0,4}}", re.IGNORECASE)
_APOLOGY = re.compile(
    r"[.,;!-]?\s{1,3}(?:please |kindly )?(?:excuse|pardon|forgive|ignore|sorry for|apologies for)\b"
    r".{0,80}$|[.,;!-]?\s{1,3}(?:bitte )?entschuldigen? sie .{0,80}$",
    re.IGNORECASE,
)
_STATEMENT = re.compile(r"\b(?:is|are|was|were|has|have|had|ist|sind|war|est)\b")
"""What a line says that somebody wrote; the lists of mail programs hold no such word."""
_SENTENCE = re.compile(r"[.!?。！？…]\s*\S.*\s\S.*[.!?。！？…]")
_LINK = re.compile(r"\s*[<(\[]{0,2}https?://\S{1,300}")


def without_signature(lines: list[str]) -> list[str]:
    """Return a passage's lines without the signature at its end, if it says that it is one.

    That is: after a line ``-- `` (RFC 3676, 4.3); after ``--`` where the space was lost on the way
    and what follows is short; or a line that a mail program adds ("Sent from my iPhone").

    Args:
        lines: of one passage that nothing quoted interrupts, without empty lines at its end.
    """
    end = _above_client_lines(lines, len(lines))
    for at in range(max(0, end - _LONGEST - 1), end):
        loose = lines[at] == "--" and end - at <= _LONGEST_LOOSE + 1
        if lines[at] == "-- " or (loose and not any(map(_is_prose, lines[at + 1 : end]))):
            return lines[: _above_client_lines(lines, at)]
    return lines[:end]


def _above_client_lines(lines: list[str], end: int) -> int:
    """Return where the empty lines, and those that mail programs add, begin that end at ``end``."""
    while end and (not lines[end - 1].strip() or _is_from_a_client(lines[end - 1])):
        end -= 1
    return end


def _is_prose(line: str) -> bool:
    return len(line) > 60 or line.rstrip().endswith((".", "!", "?", ":", ",", ";"))


def _is_from_a_client(line: str) -> bool:
    """Whether the line is one that a mail program adds below what was written."""
    if len(line) > 2 * _LONGEST_LINE:
        return False
    plain = _LINK.sub("", line).strip().strip("*_").removeprefix("-- ")
    plain = _APOLOGY.sub("", plain)
    if not plain or len(plain) > _LONGEST_LINE or _SENTENCE.search(plain):
        return False
    if _STATEMENT.search(plain) and not plain.lower().startswith("diese "):
        return False
    return _CLIENT.fullmatch(plain) is not None
