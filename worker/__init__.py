"""Looks after everyone who takes a course: enrolls, delivers, and keeps the ledger."""
