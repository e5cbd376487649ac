"""The centre's programmes in words, for those that have no pages of their own yet."""

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Programme:
    """What one programme does for its reader."""

    title: str
    icon: str
    lead: str
    paragraphs: list[str]


def programme(name: str) -> Programme:
    """The programme behind a URL name, in the reader's language."""
    return {
        "classes": lambda: Programme(
            _("Language classes"),
            "graduation-cap",
            _("Learn the language of the city, from the very first words."),
            [
                _("The centre's classes are for beginners. Afterwards you can go on in a class run by volunteers."),
                _("You can start without knowing the letters."),
            ],
        ),
        "events": lambda: Programme(
            _("Exchange events"),
            "calendar-days",
            _("Meet your neighbours: festivals, a speech contest, disaster drills and more."),
            [_("Everybody is welcome, whatever language you speak.")],
        ),
        "volunteers": lambda: Programme(
            _("Volunteers"),
            "heart-handshake",
            _("Help others with your languages and your time."),
            [
                _("Volunteers help in classes, at events and in disasters."),
                _("Six in ten of our advisers are foreign residents themselves. Your experience counts."),
            ],
        ),
        "interpreting": lambda: Programme(
            _("Interpreters"),
            "languages",
            _("City offices, schools and clinics can ask us for an interpreter."),
            [
                _("Do you need an interpreter in such a place? Tell the staff there. They can ask us for one."),
                _("It costs you nothing."),
            ],
        ),
    }[name]()
