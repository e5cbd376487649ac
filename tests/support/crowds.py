"""Many who want the same at the same moment: real threads, each with a connection of its own."""

import threading
from collections import Counter
from contextlib import contextmanager

from django.db import connections

from services.base.refusals import Refused


def at_once(count: int, deed) -> Counter:
    """How each of so many threads ended: with what the deed returned, or refused."""
    together, ends = threading.Barrier(count), []

    def act(number):
        together.wait()
        try:
            ends.append(str(deed(number)))
        except Refused:
            ends.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(count)]
    with _patience():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return Counter(ends)


@contextmanager
def _patience():
    """On a busy machine a crowd waits longer for a lock than a request may."""
    options = connections["default"].settings_dict["OPTIONS"]
    before = dict(options)
    if connections["default"].vendor == "postgresql":
        options["options"] = "-c lock_timeout=60000"
    try:
        yield
    finally:
        options.clear()
        options.update(before)
