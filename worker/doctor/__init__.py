"""``lettercourse doctor``: everything that an installation hangs on, looked at from outside."""

from worker.doctor.examination import CHECKS, examine
from worker.doctor.finding import Finding, Patient, Result

__all__ = ["CHECKS", "Finding", "Patient", "Result", "examine"]
