"""Simplified Chinese dates: Django writes a zero before the month in a date without its year."""

MONTH_DAY_FORMAT = "n月j日"
