"""Why a message could not be sent. The text of each error is for the staff's list of messages."""


class PermanentDeliveryError(Exception):
    """The message will never arrive. `is_address_gone`: nothing else will arrive at this address either."""

    def __init__(self, cause: str, *, is_address_gone: bool = False):
        super().__init__(cause)
        self.is_address_gone = is_address_gone


class TemporaryDeliveryError(Exception):
    """The message cannot be sent now. `slow_down`: the provider asks for fewer messages to this address's domain."""

    def __init__(self, cause: str, *, slow_down: bool = False):
        super().__init__(cause)
        self.slow_down = slow_down


class DeliveryUnknownError(Exception):
    """The message may have been sent or not; nobody can know."""
