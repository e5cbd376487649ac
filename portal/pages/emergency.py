"""What the emergency page says. The numbers are the city's (its preset); the words are everybody's."""

from dataclasses import dataclass

from django.conf import settings
from django.core.checks import Error, register
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

# What the words in a number's `say` mean.
MEANINGS = {
    # Translators: what somebody calls for; the words to say in the city's language stand behind it.
    "fire": pgettext_lazy("call for help", "There is a fire"),
    "ambulance": pgettext_lazy("call for help", "I need an ambulance"),
    "crime": pgettext_lazy("call for help", "It is a crime"),
    "accident": pgettext_lazy("call for help", "It is an accident"),
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


# What to do first in the dangers that a preset names in `dangers`.
DANGERS = {
    "earthquake": Advice(
        gettext_lazy("When the ground shakes"),
        [
            gettext_lazy("Protect your head. Get under a table."),
            gettext_lazy("Wait until the shaking stops. Then put out fires and open a door."),
            gettext_lazy("Keep away from the sea, rivers, walls and glass."),
            gettext_lazy(
                "If your home is in danger, go to the nearest evacuation site. Everybody may enter. It is free."
            ),
        ],
    ),
}
CALLING = Advice(
    gettext_lazy("When you call for help"),
    [
        gettext_lazy("You can call from any phone, also at night. You do not need to speak the language well."),
        gettext_lazy("Say which language you speak. An interpreter can join the call."),
        gettext_lazy("Say where you are: the address, a station, a shop or a sign nearby."),
        gettext_lazy("Do not hang up until they tell you to."),
    ],
)


def sections(city: City) -> list[dict]:
    """The city's numbers with their words, by section; sections without a number are left out."""
    filled = []
    for title, kinds in SECTIONS:
        numbers = [
            {
                "number": number,
                "title": WORDS[kind][0],
                "text": WORDS[kind][1],
                "say": [(MEANINGS[meaning], words) for meaning, words in number.say.items()],
            }
            for kind in kinds
            for number in city.emergency_numbers
            if number.kind == kind
        ]
        if numbers:
            filled.append({"title": title, "numbers": numbers, "is_watched": not WATCHED.isdisjoint(kinds)})
    return filled


def advice(city: City) -> list[Advice]:
    """What to do first: in the dangers of this city, then whenever somebody calls for help."""
    return [*(DANGERS[danger] for danger in city.dangers), CALLING]


@register()
def preset_says_what_has_words(app_configs, **options):
    """A number without words would be missing on the page, and nobody would notice before they need it."""
    city, shown = settings.CITY, {kind for _title, kinds in SECTIONS for kind in kinds}
    kinds = {number.kind for number in city.emergency_numbers}
    meant = {meaning for number in city.emergency_numbers for meaning in number.say}
    return [
        Error(f"{city.code}.toml: no words for {word!r}; portal/emergency.py has {sorted(known)}.", id="portal.E003")
        for words, known in ((kinds, shown), (set(city.dangers), set(DANGERS)), (meant, set(MEANINGS)))
        for word in sorted(words - known)
    ]
