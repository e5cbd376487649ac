"""Texts of the emergency page. The numbers come from the city's preset; the texts are the same for all cities."""

from dataclasses import dataclass

from django.conf import settings
from django.core.checks import Error, register
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.city import City

# Title and description of each kind of number.
WORDS = {
    "fire_ambulance": (
        gettext_lazy("Fire or ambulance"),
        gettext_lazy(
            "For a fire, a serious injury or a sudden illness. Say “fire” or “ambulance” first, then where you are."
        ),
    ),
    "fire_ambulance_police": (
        gettext_lazy("Fire, ambulance or police"),
        gettext_lazy("For a fire, a serious injury, a sudden illness or a crime in progress. Say where you are first."),
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
        gettext_lazy("Medical staff will tell you whether you need an ambulance and which hospital is open."),
    ),
    "violence": (
        gettext_lazy("Violence at home"),
        gettext_lazy(
            "If your husband, wife, partner or another family member hurts or threatens you, you can talk about it in "
            "confidence."
        ),
    ),
    "sexual_violence": (
        gettext_lazy("Sexual violence"),
        gettext_lazy("Medical care and advice after sexual violence. You can talk about it in confidence."),
    ),
    "child_abuse": (
        gettext_lazy("A child is being hurt"),
        gettext_lazy(
            "Call if a child is being hurt or neglected, or if you can no longer cope with looking after your child."
        ),
    ),
    "consumer": (
        gettext_lazy("Problems with a purchase or contract"),
        gettext_lazy("Fraud, fake bills, or contracts you want to cancel."),
    ),
    "police_advice": (
        gettext_lazy("Advice from the police"),
        gettext_lazy("For concerns that are not an emergency, such as stalking or a suspicious phone call."),
    ),
    "foreigner_information": (
        gettext_lazy("Information for foreign residents"),
        gettext_lazy("Residence status, work and daily life, in many languages."),
    ),
}

# Meanings of the words in a number's `say`.
MEANINGS = {
    # Translators: what somebody calls for; the words to say in the city's language stand behind it.
    "fire": pgettext_lazy("call for help", "There is a fire"),
    "ambulance": pgettext_lazy("call for help", "I need an ambulance"),
    "crime": pgettext_lazy("call for help", "There has been a crime"),
    "accident": pgettext_lazy("call for help", "There has been an accident"),
}

# People who read these may be watched: their section has a button to leave the page quickly.
WATCHED = {"violence", "sexual_violence", "child_abuse"}
SECTIONS = (
    # Translators: headings of the emergency page.
    (pgettext_lazy("emergency", "Call immediately"), ("fire_ambulance", "fire_ambulance_police", "police")),
    (pgettext_lazy("emergency", "Illness and injury"), ("medical_advice",)),
    (pgettext_lazy("emergency", "After a disaster"), ("disaster_message",)),
    (pgettext_lazy("emergency", "Violence"), ("violence", "sexual_violence", "child_abuse")),
    (pgettext_lazy("emergency", "Other problems"), ("police_advice", "consumer", "foreigner_information")),
)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do first in a danger, in order."""

    title: str
    steps: list[str]


# What to do first in the dangers that a preset names in `dangers`.
DANGERS = {
    "earthquake": Advice(
        gettext_lazy("During an earthquake"),
        [
            gettext_lazy("Protect your head. Get under a table."),
            gettext_lazy("Wait until the shaking stops. Then put out any fires and open a door."),
            gettext_lazy("Keep away from the sea, rivers, walls and glass."),
            gettext_lazy("If your home is not safe, go to the nearest shelter. Anyone can go in. It is free."),
        ],
    ),
}
CALLING = Advice(
    gettext_lazy("When you call for help"),
    [
        gettext_lazy("You can call from any phone, day or night. You do not need to speak the local language well."),
        gettext_lazy("Say which language you speak. An interpreter can join the call."),
        gettext_lazy("Say where you are: the address, a station, a shop or a sign nearby."),
        gettext_lazy("Do not hang up until they tell you to."),
    ],
)


def sections(city: City) -> list[dict]:
    """Return the city's numbers with their texts by section, without empty sections."""
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
    """Return what to do first: in the city's dangers, then when calling for help."""
    return [*(DANGERS[danger] for danger in city.dangers), CALLING]


@register()
def check_preset_has_texts(app_configs, **options):
    """Every number of the preset needs a text, or it would be missing on the page until somebody needs it."""
    city, shown = settings.CITY, {kind for _title, kinds in SECTIONS for kind in kinds}
    kinds = {number.kind for number in city.emergency_numbers}
    meanings = {meaning for number in city.emergency_numbers for meaning in number.say}
    return [
        Error(
            f"{city.code}.toml: no words for {word!r}; portal/pages/emergency.py has {sorted(known)}.", id="portal.E003"
        )
        for words, known in ((kinds, shown), (set(city.dangers), set(DANGERS)), (meanings, set(MEANINGS)))
        for word in sorted(words - known)
    ]
