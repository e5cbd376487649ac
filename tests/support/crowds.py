"""The same action in many threads at once, each with its own database connection."""

import threading
from collections import Counter
from contextlib import contextmanager

from django.db import connections

from services.base.refusals import Refused


def at_once(count: int, deed) -> Counter:
    """Run `deed` in `count` threads at once; count the results, including "refused"."""
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
    """Allow longer waits for locks than in a request, because many threads share a busy machine."""
    options = connections["default"].settings_dict["OPTIONS"]
    before = dict(options)
    if connections["default"].vendor == "postgresql":
        options["options"] = "-c lock_timeout=60000"
    try:
        yield
    finally:
        options.clear()
        options.update(before)
