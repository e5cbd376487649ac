"""The ways to reach a client of the desk: channels of the portal, a phone call, or a letter."""

from consultations.records.models import OfflineContactMethod
from services.messaging.channels import recognisable_channels


def contact_methods() -> dict[str, str]:
    """Return the label of each contact method by its code, in the order in which forms offer them."""
    channels = {channel.code: channel.label for channel in recognisable_channels()}
    return channels | {method.value: method.label for method in OfflineContactMethod}


def contact_method_choices() -> list[tuple[str, str]]:
    """Return the contact methods as the choices of a form field."""
    return list(contact_methods().items())
