"""Links in messages: signed, bound to what they are for and to the row's state, and ended after a while.

A link shows; a button acts. Whoever holds a link may do what it is for and nothing else, so it names a
purpose, the row's public id and whatever must still be true of the row (RFC 2104 by django.core.signing).
"""

import datetime
import json

from django.core import signing

SEPARATOR = "~"


def make_token(purpose: str, public_id: str, *bound: object) -> str:
    """A token for a link. bound: facts of the row that must still hold when it is opened, as text."""
    return _signer(purpose, bound).sign(public_id)


def named_in(token: str) -> str:
    """The public id that a token names, unproved: enough to find the row, never to believe it."""
    return token.partition(SEPARATOR)[0]


def is_good(token: str, purpose: str, *bound: object, lasts: datetime.timedelta | None = None) -> bool:
    """Whether we made this token for this purpose, the row is still as it was then, and it is not too old."""
    try:
        _signer(purpose, bound).unsign(token, max_age=lasts)
    except signing.BadSignature:
        return False
    return True


def _signer(purpose: str, bound: tuple) -> signing.TimestampSigner:
    # As JSON, so that no two lists of facts are the same text.
    return signing.TimestampSigner(sep=SEPARATOR, salt=json.dumps(["tabunka", purpose, *map(str, bound)]))
