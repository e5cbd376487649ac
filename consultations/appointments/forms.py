"""Appointment forms: for residents, for people without an account, and for staff."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from consultations.appointments.actions import GuestContact
from consultations.appointments.availability import BookableTime, SlotAvailability
from consultations.appointments.presentation import service_name
from consultations.timetable.models import ConsultationMode, DeskService
from services.base.form_fields import LineField, MachineTextField
from services.base.machine_text import clean_code, clean_email, clean_phone
from services.base.public_ids import public_id
from services.languages import negotiation
from services.languages.form_fields import LanguageField
from services.languages.negotiation import resolve_language
from services.messaging.forms import MAX_ADDRESS_LENGTH, ContactAddressForm

LONGEST_NAME = 100


class OptionalIdempotencyKeyField(forms.CharField):
    """A hidden key of one form, so that submitting it twice books once. Without a valid key each submission books."""

    widget = forms.HiddenInput

    def __init__(self):
        super().__init__(max_length=22, required=False, initial=public_id)

    def to_python(self, value):
        """Return the key, or an empty string if it is not one of ours."""
        return clean_code(super().to_python(value) or "")


class AppointmentDetailsForm(forms.Form):
    """The mode of contact and the interpreter. Enough for a resident who is signed in."""

    how = forms.ChoiceField(label=_("How would you like to speak to us?"), widget=forms.RadioSelect)
    interpreting = LanguageField(
        label=_("Do you need an interpreter?"),
        help_text=_("Interpreting is free."),
        empty=_("No, I do not need one"),
        required=False,
    )
    idempotency_key = OptionalIdempotencyKeyField()

    def __init__(self, *args, time: BookableTime, reader_language: str, **options):
        super().__init__(*args, **options)
        modes = [(mode.value, mode.label) for mode in ConsultationMode if mode in time.modes]
        self.fields["how"].choices = modes
        self.fields["how"].initial = modes[0][0] if modes else None
        if len(modes) == 1:
            self.fields["how"].widget = forms.HiddenInput()
        if time.service == DeskService.ADVICE:
            del self.fields["interpreting"]
        elif not reader_language.startswith(settings.CITY.default_language):
            self.fields["interpreting"].initial = resolve_language(reader_language)

    def booking_arguments(self) -> dict:
        """Return the arguments for `actions.book`, except for the time and the person."""
        data = self.cleaned_data
        return {
            "how": data["how"],
            "interpreting": data.get("interpreting", ""),
            "idempotency_key": data["idempotency_key"],
        }


class AppointmentForm(ContactAddressForm, AppointmentDetailsForm):
    """Appointment details with a name, a language and a contact address, for people without an account."""

    name = LineField(
        label=_("What should we call you?"),
        max_length=LONGEST_NAME,
        help_text=_("The name you want to be called by. It does not have to be your official name."),
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    language = LanguageField(label=_("Which language should we write to you in?"))
    field_order = ["name", "language", "channel", "address", "how", "interpreting", "idempotency_key"]

    def __init__(self, *args, reader_language: str, **options):
        super().__init__(*args, reader_language=reader_language, **options)
        self.fields["language"].initial = resolve_language(reader_language)
        self.fields["address"].help_text = _(
            "We will send you the time and a link to change or cancel your appointment."
        )

    def person(self) -> GuestContact:
        """Return the person to book for."""
        data = self.cleaned_data
        return GuestContact(data["name"], data["language"], **self.resident_fields())


class StaffBookingForm(forms.Form):
    """A booking that staff enter for a person at the desk or on the phone. Offers free times only."""

    time = forms.ChoiceField(label=pgettext_lazy("staff", "Time"))
    name = LineField(label=pgettext_lazy("staff", "Name (as given by the person)"), max_length=LONGEST_NAME)
    language = LanguageField(label=pgettext_lazy("staff", "Language for messages"), empty="–")
    email = MachineTextField(
        label=pgettext_lazy("staff", "Email address"), max_length=MAX_ADDRESS_LENGTH, required=False
    )
    phone = MachineTextField(
        label=pgettext_lazy("staff", "Phone"),
        help_text=pgettext_lazy(
            "staff",
            "Enter an email address or a phone number. If there is no email address, tell the person the date and "
            "time yourself.",
        ),
        max_length=60,
        required=False,
    )
    how = forms.ChoiceField(
        label=pgettext_lazy("staff", "Contact method"), widget=forms.RadioSelect, initial=ConsultationMode.VISIT
    )
    interpreting = LanguageField(label=pgettext_lazy("staff", "Interpreter"), empty="–", required=False)
    idempotency_key = OptionalIdempotencyKeyField()

    def __init__(self, *args, times: list[BookableTime], **options):
        super().__init__(*args, **options)
        self.times = {f"{it.hours}/{it.at}": it for it in times if it.availability == SlotAvailability.FREE}
        with negotiation.staff_language_override():
            self.fields["time"].choices = [
                (key, f"{it.starts_at:%Y-%m-%d %H:%M} {service_name(it.service, it.language)}")
                for key, it in self.times.items()
            ]
            self.fields["how"].choices = [(mode.value, str(mode.label)) for mode in ConsultationMode]

    def clean(self):
        """Require an email address or a phone number, and a mode that is available at that time."""
        data = super().clean()
        for name, clean_address in (("email", clean_email), ("phone", clean_phone)):
            if typed := data.get(name):
                try:
                    data[name] = clean_address(typed)
                except forms.ValidationError as fault:
                    self.add_error(name, fault)
        if not self.errors and not (data["email"] or data["phone"]):
            self.add_error("email", pgettext("staff", "Enter an email address or a phone number."))
        time = self.times.get(data.get("time"))
        if time and data.get("how") not in time.modes:
            self.add_error("how", pgettext("staff", "This contact method is not available at that time."))
        return data

    def booking_arguments(self) -> dict:
        """Return the arguments for `actions.book`."""
        data = self.cleaned_data
        person = GuestContact(data["name"], data["language"], data["email"], data["phone"])
        details = {name: data[name] for name in ("how", "interpreting", "idempotency_key")}
        return {"time": self.times[data["time"]], "person": person} | details


class AttendanceForm(forms.Form):
    """Whether the person attended; an empty value clears the answer."""

    attended = forms.TypedChoiceField(
        choices=[("yes", "yes"), ("no", "no"), ("", "")],
        coerce={"yes": True, "no": False}.get,
        empty_value=None,
        required=False,
    )
