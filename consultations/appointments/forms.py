"""What people type to get an appointment, and what staff type for them."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from consultations import reading
from consultations.actions.appointments import Person
from consultations.models import Mode, Service
from consultations.slots import Free, Time
from consultations.times_in_words import name_of
from services.base.hygiene import LineField, clean_code
from services.base.public_ids import public_id
from services.languages.choice import offered
from services.languages.fields import LanguageField
from services.notices.channels import CHANNELS
from services.notices.forms import LONGEST_ADDRESS, ReachForm
from services.notices.models import ChannelCode

LONGEST_NAME = 100


class FormKeyField(forms.CharField):
    """Names the form that was sent, so that sending it twice is once."""

    widget = forms.HiddenInput

    def __init__(self):
        super().__init__(max_length=22, required=False, initial=public_id)

    def to_python(self, value):
        """As it was made; whatever else came is another form."""
        return clean_code(super().to_python(value) or "")


class HowForm(forms.Form):
    """How somebody speaks with the desk, and whether they need an interpreter. Enough for who is signed in."""

    how = forms.ChoiceField(label=_("How do you want to speak with us?"), widget=forms.RadioSelect)
    interpreting = LanguageField(
        label=_("Do you need an interpreter?"),
        help_text=_("It costs you nothing."),
        empty=_("No, I need none"),
        required=False,
    )
    form_key = FormKeyField()

    def __init__(self, *args, time: Time, reader_language: str, **options):
        super().__init__(*args, **options)
        ways = [(mode.value, mode.label) for mode in Mode if mode in time.modes]
        self.fields["how"].choices = ways
        self.fields["how"].initial = ways[0][0] if ways else None
        if len(ways) == 1:
            self.fields["how"].widget = forms.HiddenInput()
        if time.service == Service.ADVICE:
            del self.fields["interpreting"]
        elif not reader_language.startswith(settings.CITY.default_language):
            self.fields["interpreting"].initial = offered(reader_language)

    def wishes(self) -> dict:
        """The arguments of the action beside the person."""
        words = self.cleaned_data
        return {
            "how": words["how"],
            "interpreting": words.get("interpreting", ""),
            "form_key": words["form_key"],
        }


class AppointmentForm(ReachForm, HowForm):
    """The same with a name, a language and one way to reach them, for who has no account."""

    WAYS = (ChannelCode.EMAIL, ChannelCode.SMS)

    name = LineField(
        label=_("What may we call you?"),
        max_length=LONGEST_NAME,
        help_text=_("The name you want to be called by. It does not have to be your official name."),
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    language = LanguageField(label=_("In which language do we write to you?"))
    field_order = ["name", "language", "channel", "address", "how", "interpreting", "form_key"]

    def __init__(self, *args, reader_language: str, **options):
        super().__init__(*args, reader_language=reader_language, **options)
        self.fields["language"].initial = offered(reader_language)
        self.fields["address"].help_text = _("We send you the time and a link with which you can change or cancel it.")

    def person(self) -> Person:
        """Who it is for."""
        words = self.cleaned_data
        column = "phone" if words["channel"] == ChannelCode.SMS else "email"
        return Person(words["name"], words["language"], **{column: words["address"]})


class CounterForm(forms.Form):
    """What staff type for somebody at the counter or on the telephone. Only times that are free."""

    time = forms.ChoiceField(label=pgettext_lazy("staff", "Time"))
    name = LineField(label=pgettext_lazy("staff", "Name as they give it"), max_length=LONGEST_NAME)
    language = LanguageField(label=pgettext_lazy("staff", "Language in which we write"), empty="–")
    email = LineField(label=pgettext_lazy("staff", "E-mail"), max_length=LONGEST_ADDRESS, required=False)
    phone = LineField(
        label=pgettext_lazy("staff", "Telephone"),
        help_text=pgettext_lazy("staff", "An e-mail address or a number. Without e-mail, please tell them the time."),
        max_length=30,
        required=False,
    )
    how = forms.ChoiceField(label=pgettext_lazy("staff", "How"), widget=forms.RadioSelect, initial=Mode.VISIT)
    interpreting = LanguageField(label=pgettext_lazy("staff", "Interpreter"), empty="–", required=False)
    form_key = FormKeyField()

    def __init__(self, *args, times: list[Time], **options):
        super().__init__(*args, **options)
        self.times = {f"{it.hours}/{it.at}": it for it in times if it.free == Free.FREE}
        with reading.for_staff():
            self.fields["time"].choices = [
                (key, f"{it.starts_at:%Y-%m-%d %H:%M} {name_of(it.service, it.language)}")
                for key, it in self.times.items()
            ]
            self.fields["how"].choices = [(mode.value, str(mode.label)) for mode in Mode]

    def clean(self):
        """One way to reach them; a way to speak that there is at that time."""
        words = super().clean()
        for name, channel in (("email", ChannelCode.EMAIL), ("phone", ChannelCode.SMS)):
            if typed := words.get(name):
                try:
                    words[name] = CHANNELS[channel].clean_address(typed)
                except forms.ValidationError as fault:
                    self.add_error(name, fault)
        if not self.errors and not (words["email"] or words["phone"]):
            self.add_error("email", pgettext("staff", "Please write one way to reach them."))
        time = self.times.get(words.get("time"))
        if time and words.get("how") not in time.modes:
            self.add_error("how", pgettext("staff", "That is not possible at this time."))
        return words

    def booking(self) -> dict:
        """The arguments of the action."""
        words = self.cleaned_data
        person = Person(words["name"], words["language"], words["email"], words["phone"])
        wishes = {name: words[name] for name in ("how", "interpreting", "form_key")}
        return {"time": self.times[words["time"]], "person": person} | wishes


class CameForm(forms.Form):
    """Whether somebody came; neither takes it back."""

    came = forms.TypedChoiceField(
        choices=[("yes", "yes"), ("no", "no"), ("", "")],
        coerce={"yes": True, "no": False}.get,
        empty_value=None,
        required=False,
    )
