"""Golden documents: what a few articles become, kept as text that is read as a diff.

``python -m tests.golden`` writes them anew.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from course.compile import Compiled, compile_course
from course.fill import fill_text
from course.gallery import sample_values
from worker.cli.author import outline_tree
from worker.cli.findings import finding_line, source_lines

FIXTURES = Path(__file__).parent / "fixtures"
FOLDER = FIXTURES / "golden"
ARTICLES = {
    path.stem: path
    for path in (
        *(FIXTURES / "articles" / f"{name}.md" for name in ("bread", "crossing", "sanpo")),
        *(
            FIXTURES / "routing" / f"{name}.md"
            for name in ("backups", "fermentieren", "interviews")
        ),
    )
}
_COLUMNS = 10_000
_RULE = "=" * 72


def documents(article: Path) -> dict[str, str]:
    """Return the outline and the text of every letter of an article, by their files' names."""
    compiled = compile_course(article)
    return {"outline.txt": _outline(compiled, article), "letters.txt": _letters(compiled)}


def _outline(compiled: Compiled, article: Path) -> str:
    paper = StringIO()
    console = Console(file=paper, width=_COLUMNS, soft_wrap=True, color_system=None)
    console.print(outline_tree(compiled, source_lines(article.read_bytes())))
    console.print()
    for finding in compiled.findings:
        line = finding_line(finding).plain
        console.print(line.replace(str(article), article.name), markup=False, highlight=False)
    return "\n".join(line.rstrip() for line in paper.getvalue().splitlines()) + "\n"


def _letters(compiled: Compiled) -> str:
    return "".join(
        f"{_RULE}\n{letter.subject}\n{lesson.preheader}\n{_RULE}\n\n"
        f"{fill_text(letter, sample_values(compiled.edition, letter))}\n"
        for letter, lesson in zip(compiled.edition.letters, compiled.course.lessons, strict=True)
    )


def renew() -> None:
    """Write every document as it is now."""
    for name, article in ARTICLES.items():
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
        for file, text in documents(article).items():
            (FOLDER / name / file).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    renew()
