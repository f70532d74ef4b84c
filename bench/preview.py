"""``python -m bench.preview``: from saving the article to seeing it in Chromium, in milliseconds.

Beside it stand compiling the same course alone, in this process, which is most of the way; and what
a save costs the preview's processor, which moves less with what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from course.compile import compile_course
from course.model import Asset

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "course" / "samples" / "stay-motivated"
SAVES = 15
_MARK = "“Learn machine learning” is not a goal."
_WAIT = """async (word) => {
  const frame = document.getElementById("desktop");
  while (!frame.contentDocument.body.textContent.includes(word)) {
    await new Promise((shown) => requestAnimationFrame(shown));
  }
  return Date.now();
}"""


def long_course(folder: Path, times: int) -> Path:
    """Make a course whose article is so many times as long; 1 is the shipped one."""
    shutil.copytree(SAMPLE, folder)
    if times > 1:
        article = folder / "article.md"
        text = article.read_text("utf-8")
        front, body = text.split("\n---\n", 1)
        lessons = "\n".join(body.replace("\n## ", f"\n## {n} ") for n in range(1, times))
        article.write_text(f"{front}\n---\n{body}\n{lessons}", "utf-8")
        (folder / "course.toml").unlink()
    return folder


@contextmanager
def previewed(course: Path) -> Iterator[tuple[str, int]]:
    """Run the preview as a process, and yield its address and number."""
    command = [sys.executable, "-m", "worker", "preview", str(course), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().split()
            yield next(word for word in said if "http" in word), process.pid
        finally:
            process.terminate()


@contextmanager
def chromium() -> Iterator[Page]:
    """Open a page in Debian's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "Chromium is missing; on Debian: apt-get install chromium"
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--disable-gpu", *sandbox]
        )
        yield browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()


def shown_after(course: Path, saves: int) -> tuple[list[float], float]:
    """Return the milliseconds from each save until the page shows it, and the processor's each."""
    article = course / "article.md"
    text = article.read_text("utf-8")
    with previewed(course) as (url, pid), chromium() as page:
        page.goto(f"{url}#{_page_of(course)}/light/desktop")
        page.evaluate(_WAIT, _MARK)

        def save(n: int) -> float:
            words = f"{_MARK} Save {n}."
            edited = text.replace(_MARK, words, 1)
            start = time.time()
            article.write_text(edited, "utf-8")
            return float(page.evaluate(_WAIT, words)) - 1000 * start

        save(0)
        before = _processor(pid)
        found = [save(n) for n in range(1, saves + 1)]
        return found, (_processor(pid) - before) / saves


def _processor(pid: int) -> float:
    """Return the milliseconds that a process had of the processors, by the kernel's account."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compiled_in(course: Path, times: int) -> list[float]:
    """Return the milliseconds of compiling the course."""
    made: dict[str, Asset] = {}
    return [1000 * _seconds(lambda: compile_course(course, made)) for _ in range(times + 1)][1:]


def _page_of(course: Path) -> str:
    lessons = compile_course(course).edition.letters
    return next(each.key for each in lessons if _MARK.encode() in _html(each.html))


def _html(segments: Sequence[object]) -> bytes:
    return b"".join(getattr(each, "content", b"") for each in segments)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.preview", description=__doc__)
    parser.add_argument("--saves", type=int, default=SAVES)
    parser.add_argument("--out", type=Path, help="a file for the numbers, as JSON")
    asked = parser.parse_args()
    rows = {}
    for times in (1, 6):
        with tempfile.TemporaryDirectory() as folder:
            course = long_course(Path(folder) / "course", times)
            words = len((course / "article.md").read_text("utf-8").split())
            shown, each = shown_after(course, asked.saves)
            compiled = compiled_in(course, asked.saves)
            rows[words] = {"shown": shown, "compiled": compiled, "processor": [each]}
            for what, found in rows[words].items():
                print(
                    f"{words:>6} words, {what:<9} median {statistics.median(found):>5.0f} ms,"
                    f" best {min(found):>5.0f}, worst {max(found):>5.0f}",
                    flush=True,
                )
    if asked.out:
        asked.out.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
