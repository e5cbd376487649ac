"""HTTP requests to a provider, for the channels behind a web-hook."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit, urlunsplit

from services.messaging.channels.errors import DeliveryUnknownError, PermanentDeliveryError, TemporaryDeliveryError

PATIENCE = 15  # seconds
DUPLICATE = 409


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuse redirects: the provider has not accepted the message, and its key is for nobody else."""

    def redirect_request(self, *args, **options):
        return None


_opener = urllib.request.build_opener(_NoRedirect())


def post(url: str, payload: dict, *, headers: dict[str, str], is_idempotent: bool) -> None:
    """POST JSON to a provider, and return once it has accepted the message.

    url: with the key before the @, if the provider wants one: `https://:key@sms.example/messages` sends
    `Authorization: Bearer key`. Raises PermanentDeliveryError, TemporaryDeliveryError or, where a repeat would be a
    second message, DeliveryUnknownError.
    """
    address = urlsplit(url)
    if address.password:
        headers = headers | {"Authorization": f"Bearer {address.password}"}
    bare = urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2]))
    request = urllib.request.Request(  # noqa: S310  http and https alone, as settings insist
        bare, json.dumps(payload).encode(), {"Content-Type": "application/json", **headers}
    )
    try:
        with _opener.open(request, timeout=PATIENCE) as answer:
            answer.read()
    except urllib.error.HTTPError as fault:
        with fault:
            _raise_for_status(fault.code, is_idempotent)
    except urllib.error.URLError as fault:
        raise TemporaryDeliveryError(f"The provider could not be reached ({type(fault.reason).__name__}).") from fault
    except (OSError, HTTPException) as fault:
        if is_idempotent:
            raise TemporaryDeliveryError("The provider closed the connection too early.") from fault
        raise DeliveryUnknownError(
            "The provider closed the connection too early. The message may have been sent."
        ) from fault


def _raise_for_status(status: int, is_idempotent: bool) -> None:
    """Raise our own error for an HTTP status; return for a repeat that the provider has discarded."""
    if status == DUPLICATE and is_idempotent:
        return
    if status == 429 or status in {401, 403}:
        raise TemporaryDeliveryError(
            f"The provider is not accepting messages from us at the moment ({status}).", slow_down=True
        )
    if status < 500:
        raise PermanentDeliveryError(f"The provider rejected the message or the recipient ({status}).")
    if not is_idempotent and status == 504:
        raise DeliveryUnknownError("The provider did not respond in time. The message may have been sent.")
    raise TemporaryDeliveryError(f"The provider is having problems ({status}).")
