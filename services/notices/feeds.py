"""Notices for programs: Atom for each language and topic, CAP for emergencies."""


def atom(language, topic):
    """To be written."""
    return b""


def alert(notice):
    """To be written."""
    return b""
