"""Signed links in messages, bound to a purpose and to the row's state, with a limited life.

Opening a link only shows a page; a button on the page acts. A link allows its holder only what it is for, so its
signature covers a purpose, the row's public id and whatever must still be true of the row (HMAC, RFC 2104, by
django.core.signing).
"""

import datetime
import json

from django.core import signing

SEPARATOR = "~"


def make_token(purpose: str, public_id: str, *bound: object) -> str:
    """Return a token for a link. bound: facts about the row that must still be true when the link is opened."""
    return _signer(purpose, bound).sign(public_id)


def unverified_public_id(token: str) -> str:
    """Return the public id in a token, without verifying it: use it only to find the row, then call `is_valid`."""
    return token.partition(SEPARATOR)[0]


def is_valid(token: str, purpose: str, *bound: object, lasts: datetime.timedelta | None = None) -> bool:
    """Whether we signed this token for this purpose and these facts, not longer ago than `lasts`."""
    try:
        _signer(purpose, bound).unsign(token, max_age=lasts)
    except signing.BadSignature:
        return False
    return True


def _signer(purpose: str, bound: tuple) -> signing.TimestampSigner:
    # As JSON, so that two different lists of facts never give the same text.
    return signing.TimestampSigner(sep=SEPARATOR, salt=json.dumps(["tabunka", purpose, *map(str, bound)]))
