"""Lists: the exports people have, the faults they contain, and nothing lost in silence."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import BinaryIO

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from course.errors import LettercourseError
from worker.lists import (
    RejectedRow,
    normalise_address,
    read_people,
    rejected_path,
    write_rejected,
)
from worker.model import Person


def read(text: str | bytes) -> list[Person | RejectedRow]:
    return list(read_people(text.encode() if isinstance(text, str) else text, "list.csv"))


def people(text: str | bytes) -> list[Person]:
    return [each for each in read(text) if isinstance(each, Person)]


def rejected(text: str | bytes) -> list[RejectedRow]:
    return [each for each in read(text) if isinstance(each, RejectedRow)]


def addresses(text: str | bytes) -> list[str]:
    return [person.address for person in people(text)]


def test_every_column_is_read_in_any_order() -> None:
    (person,) = read(
        "start,timezone,email,send_at,name\n2030-01-02,Asia/Tokyo,ada@example.org,7:05,Ada\n"
    )
    assert person == Person("ada@example.org", "Ada", "Asia/Tokyo", time(7, 5), date(2030, 1, 2))


def test_what_a_row_leaves_out_is_the_courses_choice() -> None:
    (person,) = read("email,name,timezone,send_at,start\nada@example.org,,  ,,\n")
    assert person == Person("ada@example.org")
    assert read("email,name,timezone\nada@example.org\n") == [Person("ada@example.org")]


def test_a_kit_export_goes_in_as_it_is() -> None:
    export = """\
first_name,email_address,state,created_at,tags
Maja,maja@example.org,active,2025-03-03 10:00:00 UTC,"creators, vip"
,nils@example.org,active,2025-03-03 10:00:00 UTC,
Ola,ola@example.org,cancelled,2025-03-03 10:00:00 UTC,
Pia,pia@example.org,bounced,2025-03-03 10:00:00 UTC,
Rut,rut@example.org,complained,2025-03-03 10:00:00 UTC,
Siv,siv@example.org,inactive,2025-03-03 10:00:00 UTC,
"""
    assert people(export) == [Person("maja@example.org", "Maja"), Person("nils@example.org")]
    reasons = [row.reason for row in rejected(export)]
    assert reasons[0] == 'marked "cancelled" under "state"'
    assert len(reasons) == 4


def test_a_mailchimp_export_goes_in_as_it_is() -> None:
    export = """\
"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LATITUDE,\
GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS
ada@example.org,Ada,Lovelace,4,"2024-01-01 10:00:00","2024-01-01 10:00:00",51.5,0,1,\
Europe/London,GB,,"2024-01-01 10:00:00",1,a1,,"""
    export += '"""vip"",""news"""\nbob@example.org,,,2,,,,,,,,,,2,b2,,\n'
    assert people(export) == [
        Person("ada@example.org", "Ada", "Europe/London"),
        Person("bob@example.org"),
    ]


@pytest.mark.parametrize(
    "columns",
    [
        "UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON",
        "CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID",
    ],
)
def test_mailchimps_files_of_unsubscribed_and_cleaned_are_rejected_whole(columns: str) -> None:
    export = (
        f'"Email Address","First Name",{columns}\n'
        'ada@example.org,Ada,"2024-01-01 10:00:00",Hello,1\n'
        'bob@example.org,Bob,"2024-01-01 10:00:00",Hello,1\n'
    )
    assert people(export) == []
    assert len(rejected(export)) == 2


def test_a_substack_export_goes_in_as_it_is_with_its_free_readers() -> None:
    export = """\
email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at
free@example.org,false,,other,false,2026-07-01T00:00:00.000Z,
paid@example.org,true,2027-07-01T00:00:00.000Z,yearly,false,2026-06-01T00:00:00.000Z,
off@example.org,false,,other,true,2026-05-01T00:00:00.000Z,
"""
    assert addresses(export) == ["free@example.org", "paid@example.org"]
    (row,) = rejected(export)
    assert (row.line, row.reason) == (4, 'marked "true" under "email_disabled"')


def test_substacks_dashboard_export_does_not_start_anybody_in_the_past() -> None:
    export = (
        '"Email","Name","Type","Start date","Email disabled"\n'
        "ada@example.org,Ada Lovelace,Free,2023-05-05T10:00:00Z,FALSE\n"
    )
    assert read(export) == [Person("ada@example.org", "Ada Lovelace")]


def test_a_ghost_export_goes_in_as_it_is() -> None:
    export = (
        "id,email,name,note,subscribed_to_emails,complimentary_plan,created_at,deleted_at,labels\n"
        "1,ada@example.org,Ada,,true,,2024-01-01T00:00:00.000Z,,\n"
        "2,bob@example.org,Bob,,false,,2024-01-01T00:00:00.000Z,,\n"
    )
    assert addresses(export) == ["ada@example.org"]
    assert rejected(export)[0].reason == 'marked "false" under "subscribed_to_emails"'


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Status", "Unsubscribed"),
        ("status", "cleaned"),
        ("Status", " Hard bounce "),
        ("Status", "BOUNCED"),
        ("Subscriber status", "opted-out"),
        ("state", "canceled"),
        ("Bounced", "yes"),
        ("unsubscribed", "1"),
        ("Disabled", "x"),
        ("subscribed", "No"),
        ("unsubscribed_at", "2024-01-01"),
        ("unsubscribed_at", "2024-01-01 to 2024-02-01"),
    ],
)
def test_who_is_marked_as_gone_is_rejected_with_the_mark(column: str, value: str) -> None:
    (row,) = rejected(f"email,{column}\nada@example.org,{value}\n")
    assert row.reason == f'marked "{value.strip()}" under "{column}"'


def test_a_reason_is_one_line_whatever_the_row_holds() -> None:
    (row,) = rejected('email,bounced,"why\nso"\nnobody,"hard\nbounce"\n')
    assert row.reason.startswith('marked "hard bounce" under "bounced"')
    assert len(row.reason.splitlines()) == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("state", "CA"),
        ("State", "active"),
        ("Status", "Subscribed"),
        ("Status", "confirmed"),
        ("Bounced", "FALSE"),
        ("email_disabled", "0"),
        ("unsubscribed_at", ""),
        ("UNSUB_TIME", "-"),
        ("subscribed", "true"),
        ("notes", "unsubscribed from the other list"),
    ],
)
def test_who_is_not_marked_as_gone_is_taken(column: str, value: str) -> None:
    assert addresses(f"email,{column}\nada@example.org,{value}\n") == ["ada@example.org"]


TABLE = [["Name", "E-Mail", "time zone"], ['Zoë, Ådne; "Q"\nB', "zoe@example.org", "UTC"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separator_encoding_and_line_ends_do_not_matter(
    encoding: str, separator: str, end: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(TABLE)
    (person,) = read(text.getvalue().encode(encoding))
    assert person == Person("zoe@example.org", 'Zoë, Ådne; "Q" B', "UTC")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["Ada", "Zo\xeb"])
def test_a_list_of_megabytes_is_read_to_its_end(name: str, end: str) -> None:
    rows = (f"person{number}@example.org,{name}" for number in range(60_000))
    everybody = people(end.join(("email,name", *rows)).encode("cp1252"))
    assert [person.address for person in everybody] == [
        f"person{number}@example.org" for number in range(60_000)
    ]
    assert {person.name for person in everybody} == {name}


def test_excels_hint_at_its_separator_is_no_header() -> None:
    assert addresses("sep=;\r\nName;Email\r\nA, B;ada@example.org\r\n") == ["ada@example.org"]


def test_a_title_may_have_two_lines() -> None:
    assert addresses('"Your\nname";E-mail\nAda;ada@example.org\n') == ["ada@example.org"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_one_line_in_an_old_encoding_does_not_spoil_the_others(end: bytes) -> None:
    export = b"email,name\nzoe@example.org,Zo\xeb\najla@example.org,\xc3\x85jla\n"
    assert [person.name for person in people(export.replace(b"\n", end))] == ["Zoë", "Åjla"]


def test_a_quote_that_is_never_closed_costs_its_own_row_only() -> None:
    export = """\
email,name
ada@example.org,"Ada
bob@example.org,Bob
cy@example.org,"C"y
d@example.org,D
"""
    assert addresses(export) == ["bob@example.org", "d@example.org"]
    assert [(row.line, row.cells) for row in rejected(export)] == [
        (2, ("ada@example.org", '"Ada')),
        (4, ("cy@example.org", '"C"y')),
    ]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    export = '\n\nemail,name\nada@example.org,"A\nB\nC"\n\n,,\nnobody,N\n'
    (row,) = rejected(export)
    assert row.line == 9
    assert row.cells == ("nobody", "N")


def test_a_separator_in_a_name_without_quotes_is_not_cut_off() -> None:
    (row,) = rejected("email,name\nada@example.org,Lovelace, Ada\n")
    assert row.reason == "3 cells under 2 columns"
    assert addresses("email,name\nada@example.org,Ada,,\n") == ["ada@example.org"]


def test_everything_wrong_with_a_row_is_said_at_once() -> None:
    (row,) = rejected(
        "email,name,timezone,send_at,start\nnot-an-address,A,Europe/Berln,8am,31.12.2030\n"
    )
    for word in ("@-sign", "Europe/Berlin?", "08:00", "2030-12-31"):
        assert word in row.reason
    assert len(row.reason.splitlines()) == 1


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [
        ("timezone", "(GMT-05:00) Eastern Time", "America/New_York"),
        ("timezone", "EDT5", "IANA"),
        ("send_at", "8", "08:00"),
        ("send_at", "24:00", "08:00"),
        ("send_at", "08:60", "08:00"),
        ("send_at", "٠٨:٠٠", "08:00"),
        ("start", "tomorrow", "2030-12-31"),
        ("start", "2030-02-30", "2030-12-31"),
        ("start", "20300102", "2030-12-31"),
        ("start", "9999-12-31", "2030-12-31"),
        ("start", "0001-01-01", "2030-12-31"),
        ("name", "x" * 201, "200"),
    ],
)
def test_a_cell_that_cannot_be_used_is_rejected_with_a_remedy(
    column: str, value: str, word: str
) -> None:
    (row,) = rejected(f"email,{column}\nada@example.org,{value}\n")
    assert word in row.reason


@pytest.mark.parametrize(
    ("value", "hour"), [("8:00", 8), ("08:00", 8), ("23:00", 23), ("07:00:00", 7), (" 9:00 ", 9)]
)
def test_a_send_time_is_read_as_people_write_it(value: str, hour: int) -> None:
    (person,) = people(f"email,send_at\nada@example.org,{value}\n")
    assert person.send_at == time(hour)


def test_a_person_is_called_by_their_first_name_where_the_list_has_it() -> None:
    export = "name,first_name,last_name,email\nAda Lovelace,Ada,Lovelace,ada@example.org\n"
    assert people(export)[0].name == "Ada"
    assert people("email,name\nada@example.org,Ada  Lovelace \n")[0].name == "Ada Lovelace"


def test_a_name_keeps_what_its_script_needs() -> None:
    joined = "می\u200cخواهم 👩\u200d🚀"
    assert people(f"email,name\nada@example.org,{joined}\0\t\n")[0].name == joined


def test_who_stands_twice_is_yielded_twice() -> None:
    assert addresses("email\nAda@example.org\nada@EXAMPLE.org\n") == ["ada@example.org"] * 2


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\n \r\n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (b"sep=;\n", "empty"),
        (b"Name,Phone\nAda,1\n", "Name, Phone"),
        (b"ada@example.org,Ada\n", "header row"),
        (b"PK\x03\x04\x14\x00\x06\x00", "not a CSV"),
        (b"\x1f\x8b\x08\x00", "not a CSV"),
        ("email,name\n".encode("utf-16-le"), "not a CSV"),
        (bytes(range(256)), "not a CSV"),
        pytest.param(b"a" * (2 << 20), "no column of email", id="one endless line"),
    ],
)
def test_a_list_that_is_none_is_one_line_with_a_remedy(content: bytes, word: str) -> None:
    with pytest.raises(LettercourseError) as caught:
        read_people(content, "list.csv")
    assert word in str(caught.value)
    assert str(caught.value).startswith("list.csv: ")
    assert caught.value.remedy
    assert len(str(caught.value).splitlines()) == 1


def test_a_header_without_rows_is_nobody() -> None:
    assert read("email,name\n") == []


class Pipe(io.RawIOBase):
    """An endless list that counts what was taken from it and cannot seek."""

    def __init__(self) -> None:
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        text = b"email\n" if self.taken == 0 else b"ada@example.org\n"
        buffer[: len(text)] = text
        self.taken += len(text)
        return len(text)


def test_a_list_is_read_as_it_is_consumed() -> None:
    pipe = Pipe()
    stream: BinaryIO = io.BufferedReader(pipe)
    rows = read_people(stream)
    for _ in range(1000):
        assert next(rows) == Person("ada@example.org")
    assert pipe.taken < 100_000


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(cells, cells)), st.sampled_from([",", ";", "\t"]))
def test_every_row_of_a_written_list_is_a_person_or_rejected(
    rows: list[tuple[str, str]], separator: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerow(["email", "name"])
    for number, row in enumerate(rows):
        writer.writerow([f"person{number}@example.org", row[0]])
        writer.writerow(row)
    found = read(text.getvalue())
    full = [row for row in rows if row[0].strip() or row[1].strip()]
    assert len(found) == len(rows) + len(full)
    numbered = [each for each in found if isinstance(each, Person)]
    assert [f"person{number}@example.org" for number in range(len(rows))] == [
        person.address for person in numbered if person.address.startswith("person")
    ]


@settings(max_examples=200, deadline=None)
@given(st.binary())
def test_any_bytes_after_a_header_are_rows_and_never_a_crash(content: bytes) -> None:
    for row in read(b"email,name\n" + content):
        assert isinstance(row, Person) or row.reason


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        (" ada@example.org ", "ada@example.org"),
        ("\u200bada@example.org\ufeff", "ada@example.org"),
        ("ada+news@example.com", "ada+news@example.com"),
        ("o'brien@example.net", "o'brien@example.net"),
        ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@course.test", "ada@course.test"),
    ],
)
def test_an_address_has_one_spelling(written: str, address: str) -> None:
    assert normalise_address(written) == address
    assert normalise_address(address) == address


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@localhost",
        "ada@example",
        "a b@example.org",
        "ada@@example.org",
        "ada@example..org",
        "ada@[127.0.0.1]",
        '"ada"@example.org',
        "Ada <ada@example.org>",
        "ada@example.org, bob@example.org",
        "ådne@example.org",
        "ada@example.org\r\nBcc: bob@example.org",
        "ada@example.org\n",
        "ada\0@example.org",
        "x" * 65 + "@example.org",
        "ada@" + "x" * 64 + ".org",
        "ada@" + ".".join(["x" * 60] * 5) + ".org",
        "ada@exa\u202emple.org",
    ],
)
def test_what_is_no_address_is_one_line_with_a_remedy(written: str) -> None:
    with pytest.raises(LettercourseError) as caught:
        normalise_address(written)
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.remedy


@settings(deadline=None)
@given(st.text() | st.emails())
def test_a_normalised_address_is_ascii_on_one_line(text: str) -> None:
    try:
        address = normalise_address(text)
    except LettercourseError:
        return
    assert address.isascii()
    assert address.isprintable()
    assert address == address.casefold()
    assert normalise_address(address) == address


PLAIN = "abcXYZ019.+-_'!#"


@settings(deadline=None)
@given(
    st.text(PLAIN, max_size=66) | st.from_regex(r"[a-z.]{1,70}", fullmatch=True),
    st.sampled_from(["example.org", "EXAMPLE.org", "a.test", "nowhere", "-a.org", "a..org"])
    | st.text("ab1-.", max_size=12).map("{}.org".format)
    | st.just("b" * 60 + ".org").map(lambda each: f"{each[:60]}.{'c' * 60}.{'d' * 60}.org"),
)
def test_a_plain_address_is_read_as_the_library_reads_any(local: str, domain: str) -> None:
    text = f"{local}@{domain}"
    try:
        valid = validate_email(
            text,
            strict=True,
            allow_smtputf8=False,
            check_deliverability=False,
            test_environment=True,
        )
    except EmailNotValidError:
        with pytest.raises(LettercourseError):
            normalise_address(text)
    else:
        expected = f"{valid.local_part.casefold()}@{valid.ascii_domain.lower()}"
        assert normalise_address(text) == expected


def mend(path: Path) -> Iterator[Person | RejectedRow]:
    return read_people(path.read_bytes())


def test_rejected_rows_are_written_as_they_were_with_line_and_reason(tmp_path: Path) -> None:
    rows = rejected("email,name\nnobody,=cmd()\nada@example.org,Lovelace, Ada\n")
    path = rejected_path(tmp_path / "people.csv")
    write_rejected(path, rows)
    assert path == tmp_path / "people.rejected.csv"
    table = list(csv.reader(path.open(encoding="utf-8", newline="")))
    assert table[0] == ["line", "reason", "email", "name"]
    assert table[1][0] == "2"
    assert "@-sign" in table[1][1]
    assert table[1][2:] == ["nobody", "=cmd()"]
    assert table[2] == ["3", "3 cells under 2 columns", "ada@example.org", "Lovelace", " Ada"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_mended_file_goes_in_and_its_leftovers_come_out_in_the_same_shape(
    tmp_path: Path,
) -> None:
    path = tmp_path / "people.rejected.csv"
    write_rejected(path, rejected("email,name\nada.example.org,Ada\nnobody,N\n"))
    path.write_text(path.read_text().replace("ada.example.org,", "ada@example.org,"))
    again = list(mend(path))
    assert again[0] == Person("ada@example.org", "Ada")
    left = [row for row in again if isinstance(row, RejectedRow)]
    write_rejected(path, left)
    header, row = csv.reader(path.open(newline=""))
    assert header == ["line", "reason", "email", "name"]
    assert row[2:] == ["nobody", "N"]


def test_a_rejected_file_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "people.rejected.csv"
    bad = RejectedRow(2, ("email",), ("\ud800",), "cannot be encoded")
    with pytest.raises(UnicodeEncodeError):
        write_rejected(path, [bad])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("length", [(3 << 20) - 1, 3 << 20, (3 << 20) + 1])
def test_an_endless_line_costs_its_own_row_alone(length: int, end: bytes) -> None:
    start = b"email,name\nada@example.org,Ada\neve@example.org,"
    endless = start + b"x" * (length - len(start)) + b"\ncy@example.org,Cy\n"
    rows = list(read_people(endless.replace(b"\n", end)))
    ada, rejected, cy = rows
    assert isinstance(ada, Person)
    assert isinstance(cy, Person)
    assert isinstance(rejected, RejectedRow)
    assert (rejected.line, rejected.reason) == (3, "a cell is too long")


@pytest.mark.parametrize(
    ("title", "cell"),
    [
        ("status", "Not subscribed"),
        ("status", "unsubscribe"),
        ("status", "Soft Bounced"),
        ("Email opt-in", "no"),
        ("Emails enabled", "false"),
        ("Do not email", "TRUE"),
    ],
)
def test_whoever_is_marked_not_to_be_written_to_is_rejected(title: str, cell: str) -> None:
    (row,) = read_people(f"email,{title}\nada@example.org,{cell}\n".encode())
    assert isinstance(row, RejectedRow)
    assert cell in row.reason
