"""What an operator decides and sees."""

from __future__ import annotations

from datetime import datetime

from worker.model import (
    Audit,
    Census,
    CourseStats,
    DatabaseCondition,
    Decision,
    DeliveryRecord,
    DeliveryState,
    Explanation,
    Heartbeat,
    Moment,
    Settlement,
    Standing,
    VitalSigns,
)
from worker.store import (
    auditing,
    beating,
    condition,
    deciding,
    explaining,
    reports,
    stats,
    vitals,
)
from worker.store.doors.base import Door


class Operating(Door):
    """What an operator decides and sees."""

    def decide(
        self, delivery_id: str, decision: Decision, operator: str, because: str, moment: Moment
    ) -> Settlement:
        """Settle a letter as an operator says, who is kept with it and with why.

        Raises:
            UnknownDelivery: there is no such letter.
            Refused: it cannot be settled so, and why not.
        """
        with self._database.writing() as connection:
            return deciding.decide(
                connection, self._editions, delivery_id, decision, operator, because, moment
            )

    def beat(self, heartbeat: Heartbeat) -> None:
        """Store a process's sign of life; those that gave none for an hour are forgotten."""
        with self._database.writing() as connection:
            beating.beat(connection, heartbeat)

    def leave_work(self, name: str) -> None:
        """Forget a process that ends, by its heartbeat's name; what it counted is kept."""
        with self._database.writing() as connection:
            beating.leave_work(connection, name)

    def workers(self) -> list[Heartbeat]:
        """Return the newest sign of life of every process that delivers."""
        with self._database.reading() as connection:
            return beating.at_work(connection)

    def database_exists(self) -> bool:
        """Tell whether there is a database to ask; makes none."""
        return self._database.exists()

    def condition(self) -> DatabaseCondition:
        """Return what the database is and how it is set up."""
        with self._database.reading() as connection:
            return condition.condition(connection)

    def newest_instant(self) -> datetime | None:
        """Return the latest reading of a machine's clock on record; ``None``: there is none."""
        with self._database.reading() as connection:
            return condition.newest_instant(connection)

    def vital_signs(self, moment: Moment) -> VitalSigns:
        """Return how far behind delivering is, and what the workers tell; always quick."""
        with self._database.reading() as connection:
            return vitals.vital_signs(connection, moment)

    def census(self) -> Census:
        """Count everything by its state; reads an entry of an index for each row."""
        with self._database.reading() as connection:
            return vitals.census(connection)

    def subscribers(self, course: str | None = None, limit: int | None = None) -> list[Standing]:
        """Return people by address with where they stand.

        Raises:
            UnknownCourse: ``course`` was never published.
        """
        with self._database.reading() as connection:
            return reports.standings(connection, self._editions, course, limit)

    def standing(self, address: str) -> Standing:
        """Return where one person stands.

        Raises:
            UnknownSubscriber: nobody has that address.
        """
        with self._database.reading() as connection:
            return reports.standing(connection, self._editions, address)

    def deliveries(
        self,
        state: DeliveryState | None = None,
        course: str | None = None,
        limit: int | None = None,
    ) -> list[DeliveryRecord]:
        """Return deliveries, the newest due first."""
        with self._database.reading() as connection:
            return reports.records(connection, state, course, limit)

    def explain(self, address: str, now: datetime) -> Explanation:
        """Tell why each letter was or was not sent to one person.

        Raises:
            UnknownSubscriber: nobody has that address.
        """
        with self._database.reading() as connection:
            return explaining.explain(connection, self._editions, address, now)

    def stats(self, course: str) -> CourseStats:
        """Count how people go through a course.

        Raises:
            UnknownCourse: nothing was published under that slug.
        """
        with self._database.reading() as connection:
            return stats.stats(connection, self._editions.newest(connection, course))

    def audit(self, moment: Moment | None = None) -> Audit:
        """Count what is owed and look for broken promises; at ``moment`` also for what is late."""
        with self._database.reading() as connection:
            return auditing.audit(connection, moment)
