"""What comes from outside, mail and events, becomes values: no store, no web, no clock."""

from worker.inbound.assemble import Enclosure, assemble_mail
from worker.inbound.charsets import decode
from worker.inbound.model import Attachment, InboundMail, MailKind, ParsedMail, Report
from worker.inbound.parse import parse_mail, skim_mail
from worker.inbound.quotes import REPLY_MARKER
from worker.inbound.reader import MailReader

__all__ = [
    "REPLY_MARKER",
    "Attachment",
    "Enclosure",
    "InboundMail",
    "MailKind",
    "MailReader",
    "ParsedMail",
    "Report",
    "assemble_mail",
    "decode",
    "parse_mail",
    "skim_mail",
]
