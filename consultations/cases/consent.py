"""What somebody agrees to when another body is told about them, in their own language."""

from django.conf import settings
from django.utils import translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

# How residents read the bodies of taxonomies/bodies.json.
NAMES = {
    "isa": pgettext_lazy("body", "the immigration office"),
    "houterasu": pgettext_lazy("body", "legal aid or the bar association"),
    "gyoseishoshi": pgettext_lazy("body", "a specialist for official papers (administrative scrivener)"),
    "sharoshi": pgettext_lazy("body", "a specialist for labour and social insurance"),
    "hello_work": pgettext_lazy("body", "the public employment office"),
    "labour_office": pgettext_lazy("body", "the labour standards office"),
    "tax_office": pgettext_lazy("body", "the tax office"),
    "pension_office": pgettext_lazy("body", "the pension office"),
    "city_dept": pgettext_lazy("body", "a department of the city office"),
    "school": pgettext_lazy("body", "the school or the board of education"),
    "health": pgettext_lazy("body", "the health centre or a hospital"),
    "child_guidance": pgettext_lazy("body", "the child guidance centre"),
    "women_support": pgettext_lazy("body", "the support centre for women and victims of violence"),
    "police": pgettext_lazy("body", "the police"),
    "consumer_centre": pgettext_lazy("body", "the consumer centre"),
    "welfare_council": pgettext_lazy("body", "the social welfare council"),
    "consulate": pgettext_lazy("body", "the embassy or consulate"),
    "pref_desk": pgettext_lazy("body", "the consultation desk of the prefecture"),
    "npo": pgettext_lazy("body", "a citizens' group (NPO)"),
    "japanese_class": pgettext_lazy("body", "a Japanese class"),
    "other": pgettext_lazy("body", "another office or group"),
}


def consent_lines(body: str, language: str) -> dict[str, str]:
    """The sentences around the words of a referral, in a language: what is agreed to, and what may be taken back."""
    with translation.override(language):
        told = {"centre": settings.CITY.centre(language), "body": str(NAMES[body])}
        return {
            # Translators: the title of a paper on which somebody agrees that another office is told about them.
            "title": _("My consent"),
            # Translators: what somebody agrees to. "body" is an office, written as in the middle of a sentence.
            "agree": _("I agree that %(centre)s tells %(body)s the following about me.") % told,
            "what": _("This is told:"),
            "why": _("This is why:"),
            "back": _("I can take this back at any time. What was told before stays known; nothing more is told then."),
            # Translators: a line on a printed form, on which somebody signs by hand.
            "sign": _("Date and signature"),
            "free": _("I do not have to agree. %(centre)s helps me all the same.") % told,
        }


def consent_text(body: str, what: str, why: str, language: str) -> str:
    """The very text that somebody agrees to, as it is kept. what, why: in whatever language they were written."""
    lines = consent_lines(body, language)
    return "\n".join([lines["agree"], lines["what"], what, lines["why"], why, lines["back"], lines["free"]])


def seal_of(text: str) -> str:
    """A mark by which a form proves which text its reader was shown."""
    return salted_hmac("consultations.consent", text, algorithm="sha256").hexdigest()
