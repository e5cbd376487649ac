"""Log filter that keeps personal data out of the logs."""

import logging
import re

_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_QUERY = re.compile(r"\?\S+")


class PersonalDataFilter(logging.Filter):
    """Remove email addresses, query strings and Django's request object from every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record in place; never drop it."""
        # These messages end with the request's path or header, which somebody may have typed.
        is_typed = record.name.startswith(("django.request", "django.security"))
        record.msg = _without_personal_data(
            re.split(r"[:(]", record.getMessage())[0].strip() if is_typed else record.getMessage()
        )
        record.args = ()
        record.__dict__.pop("request", None)
        if record.exc_info:
            # Database errors repeat values; the exception's type and places in the code are enough.
            record.exc_text = _format_traceback(record.exc_info)
            record.exc_info = None
        return True


def _without_personal_data(text: str) -> str:
    return _QUERY.sub("?…", _ADDRESS.sub("…", text))


def _format_traceback(exc_info) -> str:
    kind, _fault, trace = exc_info
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return " < ".join([kind.__name__ if kind else "", *reversed(places)])
