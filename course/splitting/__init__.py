"""Runs of an article become the lessons of a course: where each goes, and why."""
