"""What residents and staff type about notices, turned into clean arguments."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from services.base.hygiene import LineField
from services.languages.choice import offered
from services.languages.fields import LanguageField
from services.languages.text import text_of
from services.notices.channels import CHANNELS
from services.notices.models import ChannelCode, Topic

LONGEST_ADDRESS = 254


class TopicsField(forms.ModelMultipleChoiceField):
    """Topics by their names in the reader's language."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options):
        super().__init__(Topic.objects.all(), to_field_name="code", **options)

    def label_from_instance(self, topic):
        """The name, marked where it is in another language."""
        return text_of(topic, "name").marked


class WishesForm(forms.Form):
    """What somebody wants to be told, and how."""

    topics = TopicsField(
        label=_("What do you want to know about?"),
        error_messages={"required": _("Please choose at least one topic.")},
    )
    language = LanguageField(label=_("In which language?"))
    second_language = LanguageField(
        label=_("If something is not ready in your language"),
        empty=_("Any language that is ready"),
        among={"en", "ja-simple"},
        required=False,
    )
    area = forms.ChoiceField(label=_("Where do you live?"), required=False)

    def __init__(self, *args, reader_language: str, **options):
        super().__init__(*args, **options)
        whole = (("", _("Anywhere in the city")),)
        areas = [(code, settings.CITY.area(code, reader_language)) for code in settings.CITY.areas]
        self.fields["area"].choices = [*whole, *areas]
        self.fields["language"].initial = offered(reader_language)
        if not areas:
            del self.fields["area"]

    def wishes(self) -> dict:
        """The arguments of the actions."""
        names = ("topics", "language", "second_language")
        return {name: self.cleaned_data[name] for name in names} | {"area": self.cleaned_data.get("area", "")}


class ReachForm(forms.Form):
    """One way to reach somebody without an account: a channel that the city offers, and their address there.

    WAYS: the channels that will do. Where the city offers only mail, nothing has to be chosen.
    """

    WAYS = (ChannelCode.EMAIL, ChannelCode.SMS, ChannelCode.PUSH)

    channel = forms.ChoiceField(label=pgettext_lazy("of a message", "By"), required=False)
    address = LineField(label=_("Your address"), max_length=LONGEST_ADDRESS)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        ways = [(code.value, code.label) for code in self.WAYS if CHANNELS[code].is_offered]
        self.fields["channel"].choices = ways
        self.fields["channel"].initial = ChannelCode.EMAIL
        if len(ways) == 1:
            del self.fields["channel"]
            self.fields["address"].label = _("Your e-mail address")
            self.fields["address"].widget.input_type = "email"
            self.fields["address"].widget.attrs["autocomplete"] = "email"

    def clean(self):
        """The address as its channel keeps it."""
        words = super().clean()
        channel = words["channel"] = words.get("channel") or ChannelCode.EMAIL
        if address := words.get("address"):
            try:
                words["address"] = CHANNELS[channel].clean_address(address)
            except forms.ValidationError as fault:
                self.add_error("address", fault)
        return words


class SubscribeForm(ReachForm, WishesForm):
    """Wishes with an address, for whoever is not subscribed yet."""

    field_order = ["topics", "language", "second_language", "area", "channel", "address"]
