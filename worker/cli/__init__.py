"""The operator's door: one module a subject, each command a few lines over a room below."""
