"""Joining a course: by the form, by its confirmation, and by other programs."""
