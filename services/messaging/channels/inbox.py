"""The person's own page: the row is the message, so there is nothing to send."""

from contextlib import contextmanager

from services.notices.channels.faults import Undeliverable


class Inbox:
    """Messages on "my page". They are written as sent and made into words when they are opened."""

    is_offered = True
    drops_repeats = True

    def clean_address(self, typed: str) -> str:
        """There is none."""
        return ""

    @contextmanager
    def open(self):
        """Nothing is ever waiting here; what is, was written wrongly."""

        def send(message, letter):
            raise Undeliverable("A message for my page is never sent.")

        yield send
