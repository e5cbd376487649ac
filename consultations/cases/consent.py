"""The text of a person's consent to sharing information with another organisation, in their own language."""

from django.conf import settings
from django.utils import translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

# Names for residents of the organisations in taxonomies/bodies.json.
NAMES = {
    "isa": pgettext_lazy("body", "the immigration office"),
    "houterasu": pgettext_lazy("body", "the legal aid service or the bar association"),
    "gyoseishoshi": pgettext_lazy("body", "a specialist in official documents (administrative scrivener)"),
    "sharoshi": pgettext_lazy("body", "a specialist in labour and social insurance"),
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
    "pref_desk": pgettext_lazy("body", "the prefecture's consultation desk"),
    "npo": pgettext_lazy("body", "a community group (NPO)"),
    "japanese_class": pgettext_lazy("body", "a Japanese class"),
    "other": pgettext_lazy("body", "another office or organisation"),
}


def consent_lines(body: str, language: str) -> dict[str, str]:
    """Return the sentences around a referral's text: what the person agrees to, and that they may withdraw."""
    with translation.override(language):
        names = {"centre": settings.CITY.centre(language), "body": str(NAMES[body])}
        return {
            # Translators: the title of a paper on which somebody agrees that another office is told about them.
            "title": _("My consent"),
            # Translators: what somebody agrees to. "body" is an office, written as in the middle of a sentence.
            "agree": _("I agree that %(centre)s may share the following about me with %(body)s.") % names,
            "what": _("Information that will be shared:"),
            "why": _("Reason:"),
            "back": _(
                "I can withdraw my consent at any time. Information that has already been shared cannot be taken "
                "back, but nothing more will be shared."
            ),
            # Translators: a line on a printed form, on which somebody signs by hand.
            "sign": _("Date and signature"),
            "free": _("I do not have to agree. %(centre)s will help me even if I do not.") % names,
        }


def consent_text(body: str, what: str, why: str, language: str) -> str:
    """Return the exact text that the person agrees to, as it is stored. what, why: as written."""
    lines = consent_lines(body, language)
    return "\n".join([lines["agree"], lines["what"], what, lines["why"], why, lines["back"], lines["free"]])


def proof_of_shown_text(text: str) -> str:
    """Return a keyed fingerprint, with which a form proves which text the person was shown."""
    return salted_hmac("consultations.cases.consent", text, algorithm="sha256").hexdigest()
