"""What the emergency page says. The numbers are the city's (its preset); the words are everybody's."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.city import City

# For each kind of number: what it is called, when to call it.
WORDS = {
    "fire_ambulance": (
        gettext_lazy("Fire or ambulance"),
        gettext_lazy(
            "For a fire, a serious injury or a sudden illness. Say “fire” or “ambulance” first, then where you are."
        ),
    ),
    "fire_ambulance_police": (
        gettext_lazy("Fire, ambulance or police"),
        gettext_lazy(
            "For a fire, a serious injury, a sudden illness or a crime that is happening. Say where you are first."
        ),
    ),
    "police": (
        gettext_lazy("Police"),
        gettext_lazy("For a crime or a traffic accident. Say what happened, then where you are."),
    ),
    "disaster_message": (
        gettext_lazy("Disaster message line"),
        gettext_lazy(
            "After a large disaster: record a message for your family (press 1) or listen to theirs (press 2)."
        ),
    ),
    "medical_advice": (
        gettext_lazy("Should I go to hospital?"),
        gettext_lazy("Medical staff tell you whether you need an ambulance, and which hospital is open."),
    ),
    "violence": (
        gettext_lazy("Violence at home"),
        gettext_lazy(
            "If your husband, wife, partner or family hurts or threatens you. You can talk about it in confidence."
        ),
    ),
    "sexual_violence": (
        gettext_lazy("Sexual violence"),
        gettext_lazy("Medical care and advice after sexual violence. You can talk about it in confidence."),
    ),
    "child_abuse": (
        gettext_lazy("A child is being hurt"),
        gettext_lazy("If a child is being hurt or neglected, or if you can no longer cope with your child."),
    ),
    "consumer": (
        gettext_lazy("Trouble with buying or a contract"),
        gettext_lazy("Fraud, false bills, contracts that you want to cancel."),
    ),
    "police_advice": (
        gettext_lazy("Advice from the police"),
        gettext_lazy("For worries that are not an emergency, such as stalking or a suspicious call."),
    ),
    "foreigner_information": (
        gettext_lazy("Information for foreign residents"),
        gettext_lazy("Residence, work and daily life, in many languages."),
    ),
}

# Whoever looks at these may be watched: their section has a way off the page.
WATCHED = {"violence", "sexual_violence", "child_abuse"}
SECTIONS = (
    # Translators: headings of the emergency page.
    (pgettext_lazy("emergency", "Call at once"), ("fire_ambulance", "fire_ambulance_police", "police")),
    (pgettext_lazy("emergency", "Illness and injury"), ("medical_advice",)),
    (pgettext_lazy("emergency", "After a disaster"), ("disaster_message",)),
    (pgettext_lazy("emergency", "Violence"), ("violence", "sexual_violence", "child_abuse")),
    (pgettext_lazy("emergency", "Other trouble"), ("police_advice", "consumer", "foreigner_information")),
)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do first in one danger, in order."""

    title: str
    steps: list[str]


def sections(city: City) -> list[dict]:
    """The city's numbers with their words, by section; sections without a number are left out."""
    filled = []
    for title, kinds in SECTIONS:
        numbers = [
            {"number": number, "title": WORDS[kind][0], "text": WORDS[kind][1]}
            for kind in kinds
            for number in city.emergency_numbers
            if number.kind == kind
        ]
        if numbers:
            filled.append({"title": title, "numbers": numbers, "is_watched": not WATCHED.isdisjoint(kinds)})
    return filled


def advice() -> list[Advice]:
    """What to do first, in the reader's language."""
    return [
        Advice(
            _("When the ground shakes"),
            [
                _("Protect your head. Get under a table."),
                _("Wait until the shaking stops. Then put out fires and open a door."),
                _("Keep away from the sea, rivers, walls and glass."),
                _("If your home is in danger, go to the nearest evacuation site. Everybody may enter. It is free."),
            ],
        ),
        Advice(
            _("When you call for help"),
            [
                _("You can call from any phone, also at night. You do not need to speak the language well."),
                _("Say which language you speak. An interpreter can join the call."),
                _("Say where you are: the address, a station, a shop or a sign nearby."),
                _("Do not hang up until they tell you to."),
            ],
        ),
    ]
