"""Links that lead nowhere, over the open line, or through somebody who keeps count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, urlsplit

from course.letters.addresses import SCHEMES, absolute
from course.lint.rule import Checked, Example, Spot, rule
from course.model import Level
from course.splitting.anchors import anchor_name
from course.words import shorten

_SHORT_HOSTS = (
    "adf.ly bit.ly bitly.com bl.ink buff.ly cutt.ly goo.gl is.gd lnkd.in ow.ly rb.gy rebrand.ly "
    "shorturl.at soo.gd t.co t.ly tiny.cc tinyurl.com trib.al v.gd x.gd"
)
_SHORTENERS = frozenset(_SHORT_HOSTS.split())
"""Public services; a company's own short domain is not among them."""

_MARKS = (
    "_hsenc _hsmi ck_subscriber_id dm_i fbclid gclid mc_eid mkt_tok msclkid oly_anon_id "
    "oly_enc_id s_kwcid twclid vero_id yclid"
)
_PERSONAL = frozenset(_MARKS.split())
"""What mail and advertising services add to a link to know one person or click again."""

_COUNTERS = (
    "list-manage.com/track/",
    "click.convertkit-mail.com",
    "click.convertkit-mail2.com",
    "ct.sendgrid.net",
    "r.mailjet.com",
    "trk.klclick.com",
    "sendibt3.com/tr/",
    "safelinks.protection.outlook.com",
    "urldefense.com/v3/",
    "urldefense.proofpoint.com",
    "l.facebook.com/l.php",
    "www.google.com/url",
    "substack.com/redirect/",
)
"""Hosts that pass a click on, with the path where the host serves other things, too."""

_LOCAL = re.compile(r"localhost|127(?:\.\d+){3}|\[::1\]|.*\.(?:local|localhost|test|internal)")
_LONGEST = 80


@rule(
    "broken-link",
    Level.WARNING,
    "A link that leads nowhere",
    why="It means a place in the article (`#…`) that is not there, or cannot be followed from a "
    "letter: relative, or starting with `/` without a `site`. Readers see its words alone.",
    remedy="mend the link, or the heading it means",
    example=Example("## Bread\n\nMore about it [below](#flour).\n\n## Water\n\nFrom the tap.\n"),
)
def broken_link(checked: Checked) -> Iterator[Spot]:
    """Every link is followed as the letters will have it."""
    course = checked.course
    for link in checked.shown.links:
        target = link.target.strip()
        if not target.startswith("#"):
            if absolute(target, course.site, SCHEMES) is None:
                yield Spot(
                    link.line,
                    f"the link {_shown(target)} cannot be followed from a letter",
                    remedy="write the whole address, or set site for links that start with /",
                )
        elif target.casefold() not in {"#", "#top"} and anchor_name(target) not in course.anchors:
            yield Spot(link.line, f"the link {_shown(target)} leads nowhere in the article")


@rule(
    "insecure-link",
    Level.INFO,
    "A link or picture over `http:`",
    why="On a network that somebody else runs, it can be read and changed on its way. A picture is "
    "a warning: browsers leave it out of the letter's web view, which is served over `https:`.",
    remedy="write https, where the site has it",
    also=(Level.WARNING,),
    example=Example("Read [the paper](http://papers.example.org/rest).\n"),
)
def insecure_link(checked: Checked) -> Iterator[Spot]:
    """Addresses of one's own machine are left in peace: they are examples."""
    for link in checked.shown.links:
        if _insecure(link.target):
            yield Spot(link.line, f"the link {_shown(link.target)} goes over http")
    for picture in checked.shown.pictures:
        if _insecure(picture.source):
            what = f"the picture {_shown(picture.source)} is fetched over http"
            yield Spot(picture.line, what, Level.WARNING)


@rule(
    "tracking-link",
    Level.WARNING,
    "A link with somebody's tracking in it",
    why="Copied from another newsletter or an advertisement, it carries one person's mark to "
    "everybody, or passes every click through a counter that stops working one day. Marks of a "
    "campaign (`utm_…`) name nobody and are an info.",
    remedy="follow the link and write the address where it ends, without the marks",
    also=(Level.INFO,),
    example=Example("See [the list](https://shop.example.org/jars?mc_eid=9f3c2b).\n"),
)
def tracking_link(checked: Checked) -> Iterator[Spot]:
    """Known marks and known counters only; a shortener is a rule of its own."""
    for link in checked.shown.links:
        where = _web(link.target)
        if where is None:
            continue
        address = f"{where.hostname}{where.path}"
        marks = [name for name, _ in parse_qsl(where.query, keep_blank_values=True)]
        personal = [name for name in marks if name.lower() in _PERSONAL]
        if _counted(address):
            yield Spot(link.line, f"the link {_shown(link.target)} passes through a click counter")
        elif personal:
            message = f"the link {_shown(link.target)} carries a tracking mark: {personal[0]}"
            yield Spot(link.line, message)
        elif any(name.lower().startswith("utm_") for name in marks):
            message = f"the link {_shown(link.target)} carries marks of a campaign (utm_…)"
            yield Spot(link.line, message, Level.INFO)


@rule(
    "short-link",
    Level.WARNING,
    "A link through a public shortener",
    why="Readers cannot see where it goes, and neither can filters, which judge the shortener by "
    "all the spam that goes through it: SURBL and URIBL list shorteners as such.",
    remedy="write the address where it ends",
    example=Example("The slides are [here](https://bit.ly/3xYz).\n"),
)
def short_link(checked: Checked) -> Iterator[Spot]:
    """Known services only."""
    for link in checked.shown.links:
        where = _web(link.target)
        if where and (where.hostname or "").removeprefix("www.") in _SHORTENERS:
            yield Spot(link.line, f"the link {_shown(link.target)} hides where it goes")


def _counted(address: str) -> bool:
    """Tell whether a host, or a host over it, with its path is a known counter."""
    host, _, path = address.partition("/")
    for counter in _COUNTERS:
        its_host, _, its_path = counter.partition("/")
        if f".{host}".endswith(f".{its_host}") and f"/{path}".startswith(f"/{its_path}"):
            return True
    return False


def _insecure(address: str) -> bool:
    where = _web(address)
    return (
        where is not None and where.scheme == "http" and not _LOCAL.fullmatch(where.hostname or "")
    )


def _web(address: str) -> SplitResult | None:
    """Return a web address in its parts; ``None`` for anything else."""
    try:
        parts = urlsplit(address.strip())
        return parts if parts.scheme in {"http", "https"} and parts.hostname else None
    except ValueError:
        return None


def _shown(address: str) -> str:
    return shorten(address, _LONGEST)
