"""Descriptions of the centre's programmes that have no pages of their own yet."""

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme's description."""

    title: str
    icon: str
    lead: str
    paragraphs: list[str]


def describe_programme(name: str) -> Programme:
    """Return the programme of a URL name, in the active language."""
    return {
        "classes": lambda: Programme(
            _("Language classes"),
            "graduation-cap",
            _("Learn the local language, starting with the very first words."),
            [
                _("The centre's classes are for beginners. After that, you can continue in a class run by volunteers."),
                _("You can start even if you cannot read or write the language yet."),
            ],
        ),
        "events": lambda: Programme(
            _("Cultural exchange events"),
            "calendar-days",
            _("Meet your neighbours: festivals, a speech contest, disaster drills and more."),
            [_("Everyone is welcome. It does not matter which language you speak.")],
        ),
        "volunteers": lambda: Programme(
            _("Volunteers"),
            "heart-handshake",
            _("Help others with your language skills and your time."),
            [
                _("Volunteers help in classes, at events and during disasters."),
                _("Six in ten of our advisers are foreign residents themselves. Your experience counts."),
            ],
        ),
        "interpreting": lambda: Programme(
            _("Interpreters"),
            "languages",
            _("City offices, schools and clinics can ask us for an interpreter."),
            [
                _("If you need an interpreter at one of these places, tell the staff there. They can ask us for one."),
                _("Interpreting is free."),
            ],
        ),
    }[name]()
