"""How an action says no."""


class Refused(Exception):
    """What was asked is not allowed now. Its text is a whole, translated sentence for the person."""
