"""What can come of a message that did not simply go out. Their text is for the staff's list."""


class Undeliverable(Exception):
    """It will never arrive. `is_address_gone`: nothing else will arrive at this address either."""

    def __init__(self, cause: str, *, is_address_gone: bool = False):
        super().__init__(cause)
        self.is_address_gone = is_address_gone


class TryLater(Exception):
    """Not now. `slow_down`: the provider asks not to be pressed, for everybody at this address's domain."""

    def __init__(self, cause: str, *, slow_down: bool = False):
        super().__init__(cause)
        self.slow_down = slow_down


class Unclear(Exception):
    """It may have gone out or not; nobody can know."""
