"""What ``check`` looks for: one rule, one function, all of them in the list ``rules.RULES``."""
