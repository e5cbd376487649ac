"""Logs tell machines how the portal does; they never tell anybody about a person."""

import logging
import re

_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_QUERY = re.compile(r"\?\S+")


class Impersonal(logging.Filter):
    """Takes e-mail addresses, query strings and Django's request object out of every line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record in place; always keeps it."""
        # Django ends these with the path or the header that came: what somebody typed.
        is_typed = record.name.startswith(("django.request", "django.security"))
        record.msg = _impersonal(re.split(r"[:(]", record.getMessage())[0].strip() if is_typed else record.getMessage())
        record.args = ()
        record.__dict__.pop("request", None)
        if record.exc_info:
            # A database's message repeats values; the place and the kind of fault say enough.
            record.exc_text = _impersonal_trace(record.exc_info)
            record.exc_info = None
        return True


def _impersonal(text: str) -> str:
    return _QUERY.sub("?…", _ADDRESS.sub("…", text))


def _impersonal_trace(exc_info) -> str:
    kind, _fault, trace = exc_info
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return " < ".join([kind.__name__ if kind else "", *reversed(places)])
