"""A person's subscriptions to the news, for their download and for deletion."""

from django.conf import settings
from django.db.models.functions import Lower
from django.utils.translation import get_language, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from services.accounts.models import User
from services.accounts.personal_data_registry import (
    PersonalDataSource,
    export_datetime,
    format_language,
    register_personal_data,
    without_empty,
)
from services.languages.translated import translated
from services.messaging.channels import channel_label
from services.messaging.personal_data import addresses_of
from services.notices.subscriptions.actions import unsubscribe
from services.notices.subscriptions.models import Subscription, SubscriptionState

_STATUS = {
    SubscriptionState.PENDING: pgettext_lazy("personal data", "Not confirmed yet"),
    SubscriptionState.ACTIVE: pgettext_lazy("personal data", "Confirmed"),
    SubscriptionState.UNSUBSCRIBED: pgettext_lazy("personal data", "Unsubscribed"),
}


def _subscriptions_of(user: User):
    subscriptions = Subscription.objects.annotate(lower=Lower("address")).filter(lower__in=addresses_of(user))
    return subscriptions.prefetch_related("topics")


def _export(user: User) -> list[dict[str, str]]:
    return [_export_row(subscription) for subscription in _subscriptions_of(user).order_by("pk")]


def _export_row(subscription: Subscription) -> dict[str, str]:
    row = {
        pgettext("of a message", "Contact method"): channel_label(subscription.channel),
        pgettext("of a message", "To"): subscription.address,
        _("Topics"): pgettext("between the names of a list", ", ").join(
            translated(topic, "name").value for topic in subscription.topics.all()
        ),
        _("Language"): format_language(subscription.language),
        pgettext("personal data", "Second language"): format_language(subscription.second_language),
        pgettext("personal data", "Area"): _area_name(subscription.area),
        pgettext("personal data", "Status"): str(_STATUS[subscription.state]),
        pgettext("personal data", "Signed up on"): export_datetime(subscription.asked_at),
        pgettext("personal data", "Confirmed on"): export_datetime(subscription.confirmed_at),
        pgettext("personal data", "Reference number"): subscription.public_id,
    }
    return without_empty(row)


def _area_name(code: str) -> str:
    """Return the area's name; the stored code if the city no longer has the area."""
    if not code:
        return _("News for all areas") if settings.CITY.areas else ""
    return settings.CITY.area(code, get_language()) if code in settings.CITY.areas else code


def _erase(user: User) -> None:
    for subscription in _subscriptions_of(user):
        unsubscribe(subscription)
    _subscriptions_of(user).delete()  # only those that were never confirmed are left


def _lock_subscriptions(user: User) -> None:
    """Lock the subscriptions alone: services.messaging locks their messages after them."""
    keys = list(_subscriptions_of(user).values_list("pk", flat=True))
    list(Subscription.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))


register_personal_data(
    PersonalDataSource(lambda: _("News you have signed up for"), _export, _erase, _lock_subscriptions)
)
