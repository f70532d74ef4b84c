"""The process in which mail is parsed may die at any moment; no mail is lost, no process left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.acceptance.processes import wait_for
from tests.worker.inbound.mails import mail
from worker.inbound import InboundMail, MailReader, parse_mail

ANSWER = mail("I swam.\r\n\r\n> What did you do?\r\n")
LONG = mail(b"I swam on, and on.\r\n" * 1_500_000)


def children(of: int) -> list[int]:
    """Return the living processes whose parent is ``of``."""
    listing = (each.name for each in Path("/proc").iterdir() if each.name.isdigit())
    return [pid for pid in map(int, listing) if status(pid)[1:] == [str(of)] and alive(pid)]


def status(pid: int) -> list[str]:
    """Return a process's state and parent; nothing once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return []


def alive(pid: int) -> bool:
    return status(pid)[:1] not in ([], ["Z"])


def test_the_child_understands_a_mail_as_this_process_does() -> None:
    with MailReader() as reader:
        assert reader.read(ANSWER) == parse_mail(ANSWER)
        empty = InboundMail(b"", envelope_from="", envelope_to=("a@b.example",))
        assert reader.read(empty) == parse_mail(empty)


def test_one_child_serves_many_mails_and_is_gone_after_closing() -> None:
    before = set(children(os.getpid()))
    reader = MailReader()
    for _ in range(20):
        assert reader.read(ANSWER).own_words == "I swam."
    (child,) = set(children(os.getpid())) - before
    reader.close()
    assert not alive(child)
    assert set(children(os.getpid())) <= before
    assert reader.read(ANSWER).own_words == "I swam."
    reader.close()


def test_a_mail_past_its_deadline_is_kept_in_full_and_the_next_is_understood() -> None:
    with MailReader(deadline=0.02) as hasty:
        found = hasty.read(LONG)
    assert found.in_full
    assert found.truncated
    assert found.from_address == "ada@example.org"
    assert found.own_words == found.text
    assert found.text.startswith("I swam on, and on.\n")
    assert len(found.text) == 400_000


def test_a_mail_past_its_processor_time_is_kept_in_full() -> None:
    markup = mail(b"<p>I swam.</p>\r\n" * 100_000, "Content-Type: text/html")
    with MailReader(deadline=120, seconds=0) as reader:
        found = reader.read(markup)
    assert found.in_full
    assert found.truncated
    assert found.own_words.split("\n")[:1] == ["I swam."]


def test_a_mail_past_its_memory_is_kept_in_full() -> None:
    with MailReader(memory=60 * 2**20) as reader:
        found = reader.read(LONG)
        assert found.in_full
        assert found.text.startswith("I swam on, and on.\n")


def test_a_child_killed_between_two_mails_is_replaced() -> None:
    before = set(children(os.getpid()))
    with MailReader() as reader:
        reader.read(ANSWER)
        (child,) = set(children(os.getpid())) - before
        os.kill(child, signal.SIGKILL)
        wait_for(lambda: not alive(child), 30)
        assert reader.read(ANSWER) == parse_mail(ANSWER)


def test_a_child_killed_amid_a_mail_costs_that_mail_its_quotation_only() -> None:
    before = set(children(os.getpid()))
    with MailReader(deadline=60) as reader:
        reader.read(ANSWER)
        (child,) = set(children(os.getpid())) - before
        killer = threading.Timer(0.05, os.kill, (child, signal.SIGKILL))
        killer.start()
        found = reader.read(LONG)
        killer.join()
        assert found.text.startswith("I swam on, and on.\n")
        assert reader.read(ANSWER).own_words == "I swam."


def test_an_interrupted_reader_does_not_answer_with_the_former_mail() -> None:
    def interrupt(signum: int, frame: object) -> None:
        raise InterruptedError

    former = signal.signal(signal.SIGALRM, interrupt)
    try:
        with MailReader(deadline=60) as reader:
            reader.read(ANSWER)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            assert reader.read(LONG).text.startswith("I swam on")
            assert reader.read(ANSWER).own_words == "I swam."
    finally:
        signal.signal(signal.SIGALRM, former)


def test_many_threads_share_one_reader() -> None:
    mails = [mail(f"Number {n}.\r\n\r\n> What?\r\n") for n in range(40)]
    with MailReader() as reader, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(reader.read, mails))
    assert [each.own_words for each in found] == [f"Number {n}." for n in range(40)]


def test_a_forked_process_has_a_child_of_its_own() -> None:
    program = (
        "import os, sys\n"
        "from worker.inbound import InboundMail, MailReader\n"
        "reader = MailReader()\n"
        "one = InboundMail(b'Subject: x\\n\\nhi')\n"
        "reader.read(one)\n"
        "if os.fork() == 0:\n"
        "    assert reader.read(one).text == 'hi'\n"
        "    reader.close()\n"
        "    os._exit(0)\n"
        "assert os.waitstatus_to_exitcode(os.wait()[1]) == 0\n"
        "assert not reader.read(one).in_full\n"
        "reader.close()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_dead_parent_leaves_no_orphan() -> None:
    program = (
        "import sys, time\n"
        "from worker.inbound import InboundMail, MailReader\n"
        "reader = MailReader()\n"
        "reader.read(InboundMail(b'Subject: x\\n\\nhi'))\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (child,) = children(parent.pid)
        parent.kill()
        parent.wait()
    wait_for(lambda: not alive(child), 30)
