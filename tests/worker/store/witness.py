"""A witness in the database itself: triggers that write down every change to a delivery."""

from __future__ import annotations

from sqlalchemy import text

from worker.model import DeliveryState
from worker.model.life import Position, why_not
from worker.store import Store

_COLUMNS = ("state", "epoch", "owner", "attempts")

_TABLE = """
    CREATE TABLE changes (
        number {number} PRIMARY KEY,
        old_state TEXT, old_epoch INTEGER, old_owner TEXT, old_attempts INTEGER,
        new_state TEXT, new_epoch INTEGER, new_owner TEXT, new_attempts INTEGER
    )
"""

_WRITE = """
    INSERT INTO changes (old_state, old_epoch, old_owner, old_attempts,
                         new_state, new_epoch, new_owner, new_attempts)
    VALUES ({old}, NEW.state, NEW.epoch, NEW.owner, NEW.attempts)
"""

_NOTHING = ", ".join(["NULL"] * len(_COLUMNS))
_OLD = ", ".join(f"OLD.{column}" for column in _COLUMNS)


def call_witness(store: Store) -> None:
    """Have every change to a delivery written down from now on."""
    written = {"INSERT": _WRITE.format(old=_NOTHING), "UPDATE": _WRITE.format(old=_OLD)}
    with store._database.writing() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        number = "INTEGER" if on_sqlite else "BIGSERIAL"
        connection.execute(text(_TABLE.format(number=number)))
        for event, write in written.items():
            name = f"witness_{event.lower()}"
            action = f"BEGIN {write}; END"
            if not on_sqlite:
                body = f"BEGIN {write}; RETURN NULL; END"
                connection.execute(
                    text(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
                )
                action = f"EXECUTE FUNCTION {name}()"
            connection.execute(
                text(f"CREATE TRIGGER {name} AFTER {event} ON deliveries FOR EACH ROW {action}")
            )


def hear_witness(store: Store, after: int) -> tuple[int, list[str]]:
    """Return the number of the last change, and which rules the changes ``after`` one broke."""
    with store._database.reading() as connection:
        changes = connection.execute(
            text("SELECT * FROM changes WHERE number > :after ORDER BY number"), {"after": after}
        ).all()
    broken = [fault for _, *change in changes if (fault := _fault(change[:4], change[4:]))]
    return max((change.number for change in changes), default=after), broken


def _fault(old: list[object], new: list[object]) -> str:
    after = _position(new)
    if old[0] is None:
        born = Position(DeliveryState.CLAIMED, 1, after.owner, 0)
        return "" if after == born and after.owner else f"a delivery was born as {after}"
    return why_not(_position(old), after)


def _position(cells: list[object]) -> Position:
    state, epoch, owner, attempts = cells
    return Position(DeliveryState(str(state)), epoch, owner, attempts)  # type: ignore[arg-type]
