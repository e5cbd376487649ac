"""What can come of a message that did not simply go out. Their text is for the staff's list."""


class Undeliverable(Exception):
    """It will never arrive at this address."""


class TryLater(Exception):
    """Not now. `slow_down`: the provider asks not to be pressed, for everybody at this address's domain."""

    def __init__(self, cause: str, *, slow_down: bool = False):
        super().__init__(cause)
        self.slow_down = slow_down


class Unclear(Exception):
    """It may have gone out or not; nobody can know."""
