"""Forms to subscribe to news and to change a subscription."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from services.languages.form_fields import LanguageField
from services.languages.negotiation import resolve_language
from services.languages.translated import translated
from services.messaging.forms import ContactAddressForm
from services.notices.subscriptions.models import Topic


class NewsTopicsField(forms.ModelMultipleChoiceField):
    """A choice of topics by their names in the reader's language."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options):
        super().__init__(Topic.objects.all(), to_field_name="code", **options)

    def label_from_instance(self, topic):
        """Return the topic's name, marked if it is in another language."""
        return translated(topic, "name").marked


class SubscriptionForm(forms.Form):
    """Topics, languages and area of a subscription."""

    topics = NewsTopicsField(
        label=_("What would you like to get news about?"),
        error_messages={"required": _("Choose at least one topic.")},
    )
    language = LanguageField(label=_("Which language would you like your news in?"))
    second_language = LanguageField(
        label=_("Which language should we use if something is not available in yours?"),
        empty=_("Any available language"),
        among={"en", "ja-simple"},
        required=False,
    )
    area = forms.ChoiceField(label=_("Where do you live?"), required=False)

    def __init__(self, *args, reader_language: str, **options):
        super().__init__(*args, **options)
        whole = (("", _("News for all areas")),)
        areas = [(code, settings.CITY.area(code, reader_language)) for code in settings.CITY.areas]
        self.fields["area"].choices = [*whole, *areas]
        self.fields["language"].initial = resolve_language(reader_language)
        if not areas:
            del self.fields["area"]

    def preferences(self) -> dict:
        """Return the arguments of the subscription actions."""
        names = ("topics", "language", "second_language")
        return {name: self.cleaned_data[name] for name in names} | {"area": self.cleaned_data.get("area", "")}


class SubscribeForm(ContactAddressForm, SubscriptionForm):
    """The form for a new subscription: preferences and an address."""

    field_order = ["topics", "language", "second_language", "area", "channel", "address"]
