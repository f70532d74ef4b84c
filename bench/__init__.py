"""Ratios against a floor in the same run: ``python -m bench``. Nothing here is asserted."""
