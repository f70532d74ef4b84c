"""Keeping an installation: backups, restores, and moving to another database."""
