"""The channels by which messages reach people. To add one, add a file here with a class that `register_channel` marks.

Every file of this package is imported, so nothing else has to name the new channel: forms offer it, staff pages list
it and delivery uses it. A web-hook needs one more line, its variable in portal/environment.py.
"""

import pkgutil
from importlib import import_module

from django.core.exceptions import ValidationError

from services.base.machine_text import fold_code
from services.messaging.channels.base import CHANNELS, Channel, register_channel

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
_by_rank = sorted(CHANNELS.values(), key=lambda channel: channel.rank)
CHANNELS.clear()
CHANNELS.update({channel.code: channel for channel in _by_rank})


def addressable_channels() -> list[Channel]:
    """Return the configured channels for which people give an address, in order of rank."""
    return [channel for channel in CHANNELS.values() if channel.takes_address and channel.is_configured]


def recognise_channel(typed: str) -> Channel | None:
    """Return the channel for contact details typed without naming one; None if no channel recognises them."""
    plain = fold_code(typed)
    return next((channel for channel in recognisable_channels() if channel.address_pattern.fullmatch(plain)), None)


def normalise_contact(typed: str) -> str:
    """Return contact details as their channel stores them, or unchanged if no channel can use them."""
    try:
        channel = recognise_channel(typed)
        return channel.clean_address(typed) if channel else typed
    except ValidationError:
        return typed


def recognisable_channels() -> list[Channel]:
    """Return the channels that recognise their addresses, configured or not, in order of rank."""
    return [channel for channel in CHANNELS.values() if channel.address_pattern]


def channel_label(code: str) -> str:
    """Return a channel's name in the active language; its code if its file has been removed since."""
    return str(CHANNELS[code].label) if code in CHANNELS else code


__all__ = [
    "CHANNELS",
    "Channel",
    "addressable_channels",
    "channel_label",
    "normalise_contact",
    "recognisable_channels",
    "recognise_channel",
    "register_channel",
]
