"""Log entries as an adviser enters them."""

import datetime

from django.utils import timezone

from consultations.log.actions import LogEntry
from consultations.models import ConsultationChannel, LanguageSupport, Outcome


def new_log_entry(**words) -> LogEntry:
    """Return a call about rubbish that has just ended; it began today, even just after midnight."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    usual = {
        "began_at": max(midnight, timezone.now() - datetime.timedelta(minutes=10)),
        "minutes": 10,
        "channel": ConsultationChannel.PHONE,
        "language": "ne",
        "language_support": LanguageSupport.ADVISER,
        "topics": ("daily_life",),
        "outcome": Outcome.INFO,
        "note": "She asked on which day glass is collected.",
    }
    return LogEntry(**usual | words)
