"""The store's doors, one for each of its uses; every method is one transaction."""

from worker.store.doors.courses import Courses
from worker.store.doors.deliveries import Deliveries
from worker.store.doors.joining import Joining
from worker.store.doors.mail import Mail
from worker.store.doors.operating import Operating
from worker.store.doors.pages import Pages
from worker.store.doors.people import People
from worker.store.doors.upkeep import Upkeep

__all__ = ["Courses", "Deliveries", "Joining", "Mail", "Operating", "Pages", "People", "Upkeep"]
