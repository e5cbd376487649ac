"""The part of a form in which somebody without an account says how to reach them."""

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from services.base.form_fields import MachineTextField
from services.messaging.channels import CHANNELS, addressable_channels

MAX_ADDRESS_LENGTH = 254


class ContactAddressForm(forms.Form):
    """A channel and an address on it. Offers every configured channel; if there is only one, it is not asked for."""

    channel = forms.ChoiceField(label=pgettext_lazy("of a message", "Contact method"), required=False)
    address = MachineTextField(label=_("Your contact details"), max_length=MAX_ADDRESS_LENGTH)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        first, *others = addressable_channels()
        self.default_channel = first.code
        if others:
            self.fields["channel"].choices = [(channel.code, channel.label) for channel in (first, *others)]
            self.fields["channel"].initial = first.code
        else:
            del self.fields["channel"]
            self.fields["address"].label = first.address_label
            self.fields["address"].widget.input_type = first.input_type
            self.fields["address"].widget.attrs["autocomplete"] = first.autocomplete

    def clean(self):
        """Turn the address into the form that its channel stores."""
        data = super().clean()
        data["channel"] = data.get("channel") or self.default_channel
        if address := data.get("address"):
            try:
                data["address"] = CHANNELS[data["channel"]].clean_address(address)
            except forms.ValidationError as fault:
                self.add_error("address", fault)
        return data

    def resident_fields(self) -> dict[str, str]:
        """Return the fields of Resident in which the address is stored."""
        return CHANNELS[self.cleaned_data["channel"]].resident_fields(self.cleaned_data["address"])
