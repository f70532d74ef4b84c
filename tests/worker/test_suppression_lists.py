"""Suppressions as other services export them."""

from __future__ import annotations

import pytest

from worker.lists import RejectedRow, read_suppressed
from worker.model import SubscriberState

LEFT, BOUNCED, COMPLAINED = (
    SubscriberState.UNSUBSCRIBED,
    SubscriberState.BOUNCED,
    SubscriberState.COMPLAINED,
)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ("email,created\na@x.org,1700000000\n", LEFT),
        ("status,reason,email,created\n5.1.1,550 unknown,a@x.org,1\n", BOUNCED),
        ("email,ip,created,reason\na@x.org,192.0.2.1,1,Spam Report\n", COMPLAINED),
        ("EmailAddress,SuppressionReason,Origin\na@x.org,HardBounce,Recipient\n", BOUNCED),
        ("EmailAddress,SuppressionReason\na@x.org,SpamComplaint\n", COMPLAINED),
        ("EmailAddress,Reason,LastUpdateTime\na@x.org,COMPLAINT,2026\n", COMPLAINED),
        ("address,code,error,created_at\na@x.org,550,gone,2026\n", BOUNCED),
        ('"Email Address","First Name",UNSUB_TIME\na@x.org,A,2026-01-01\n', LEFT),
        ("email;reason\nA@X.org;rejected as spam by the server\n", LEFT),
        ("\ufeffemail\treason\na@x.org\tbounced\n", BOUNCED),
    ],
)
def test_each_service_says_in_its_own_way_who_and_why(listed: str, reason: SubscriberState) -> None:
    assert list(read_suppressed(listed.encode())) == [("a@x.org", reason)]


def test_a_bad_row_stops_none_of_the_others() -> None:
    listed = b'email,reason\na@x.org,\nnobody,\n,\n"b@x.org,\nc@x.org,spam\n'
    rows = list(read_suppressed(listed))
    good = [row for row in rows if not isinstance(row, RejectedRow)]
    bad = [(row.line, row.reason) for row in rows if isinstance(row, RejectedRow)]
    assert good == [("a@x.org", LEFT), ("c@x.org", COMPLAINED)]
    assert [line for line, _ in bad] == [3, 5]
    assert "not an email address" in bad[0][1]
    assert "quote" in bad[1][1]
