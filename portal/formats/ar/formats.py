"""Arabic dates: Django's have a Latin comma before the year, and the hour in twelves."""

DATE_FORMAT = "j F Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j F Y، H:i"
