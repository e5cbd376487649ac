"""Speaking to a provider over HTTP, for the channels that do."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit, urlunsplit

from services.notices.channels.faults import TryLater, Unclear, Undeliverable

PATIENCE = 15  # seconds
ALREADY_TAKEN = 409


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A provider that sends us elsewhere has not taken the message, and its key is for nobody else."""

    def redirect_request(self, *args, **options):
        return None


_opener = urllib.request.build_opener(_NoRedirect())


def post(url: str, words: dict, *, headers: dict[str, str], drops_repeats: bool) -> None:
    """POST JSON to a provider's address and return once it has taken it.

    url: with the key before the @, if it wants one: `https://:key@sms.example/messages` sends `Authorization:
    Bearer key`. Raises Undeliverable, TryLater or, where a repeat would be a second message, Unclear.
    """
    address = urlsplit(url)
    if address.password:
        headers = headers | {"Authorization": f"Bearer {address.password}"}
    bare = urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2]))
    request = urllib.request.Request(  # noqa: S310  http and https alone, as settings insist
        bare, json.dumps(words).encode(), {"Content-Type": "application/json", **headers}
    )
    try:
        with _opener.open(request, timeout=PATIENCE) as answer:
            answer.read()
    except urllib.error.HTTPError as fault:
        with fault:
            _judge(fault.code, drops_repeats)
    except urllib.error.URLError as fault:
        raise TryLater(f"The provider could not be reached: {type(fault.reason).__name__}.") from fault
    except (OSError, HTTPException) as fault:
        if drops_repeats:
            raise TryLater("The provider hung up in the middle.") from fault
        raise Unclear("The provider hung up in the middle; it may have gone out.") from fault


def _judge(status: int, drops_repeats: bool) -> None:
    if status == ALREADY_TAKEN and drops_repeats:
        return
    if status == 429 or status in {401, 403}:
        raise TryLater(f"The provider takes nothing from us now ({status}).", slow_down=True)
    if status < 500:
        raise Undeliverable(f"The provider refuses the message or the address ({status}).")
    if not drops_repeats and status == 504:
        raise Unclear("The provider did not answer in time; it may have gone out.")
    raise TryLater(f"The provider is in trouble ({status}).")
