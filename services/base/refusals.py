"""The exception by which an action refuses."""


class Refused(Exception):
    """Raised by actions for what is not allowed now. Its text is a whole, translated sentence for the user."""
