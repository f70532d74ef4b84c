"""What the demo's people do while their course goes on, and when."""

from __future__ import annotations

from datetime import UTC, datetime

START = datetime(2026, 3, 26, 9, tzinfo=UTC)
"""A Thursday before the Sunday on which Europe puts its clocks forward."""

GOAL = """\
I am showing it to my sister, who does not care about machine learning at all.

On the screen:
- a photo of a plant from her balcony
- its name, and how sure my model is
"""
SUPPORT = "Nobody would ask, I think. I would like it to be Jonas from the Thursday course."
TIME = "Sunday, before the others get up. My phone has been eating them. Thanks for asking,\nAda"
FRIEND = "Tuesdays on the train. It is the only place where nobody can call a meeting."
CURIOSITY = "Whether the tram is really later when it rains, or whether I only remember it so."
SETBACK = "The one that had seen the test data. 97 per cent, and I told everybody."

LEAVES, LEAVES_AT = "tom@example.org", datetime(2026, 3, 29, 18, tzinfo=UTC)
ANSWERS = "ada@example.com"
REPLIES = (
    (ANSWERS, datetime(2026, 3, 27, 12, tzinfo=UTC), GOAL),
    ("priya@example.com", datetime(2026, 3, 28, 12, tzinfo=UTC), "Pause"),
    (ANSWERS, datetime(2026, 3, 28, 12, 30, tzinfo=UTC), SUPPORT),
    (ANSWERS, datetime(2026, 3, 29, 12, tzinfo=UTC), TIME),
    ("zoe@example.com", datetime(2026, 3, 29, 17, tzinfo=UTC), FRIEND),
    ("priya@example.com", datetime(2026, 3, 30, 12, tzinfo=UTC), "resume"),
    (ANSWERS, datetime(2026, 3, 31, 12, tzinfo=UTC), CURIOSITY),
    (ANSWERS, datetime(2026, 4, 1, 12, tzinfo=UTC), SETBACK),
)
"""Who presses reply on their newest letter, when, and with what words."""
