"""Sign-up and sign-in by code, as a resident does it."""

import re

from django.core import mail

from services.messaging.delivery import deliver_due
from tests.factories.accounts import PASSWORD

DEVANAGARI = re.compile("[\u0900-\u097f]")


SITA = {"name": "सीता गुरुङ", "email": "Sita@Example.org", "password1": PASSWORD}


def code_from_mail() -> str:
    """Deliver the waiting messages; return the code from the last email, as its reader would find it."""
    deliver_due(worker="test")
    found = re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", mail.outbox[-1].body)
    return found[0]


def is_signed_in(client) -> bool:
    return client.get("/ne/me/").status_code == 200
