"""Offerings with a limited number of places, and the registrations for them."""

import datetime

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Sum
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from services.accounts.models import Resident
from services.base.normalisation import search_key
from services.base.public_ids import PublicIdField
from services.base.retention import NO_PERSONAL_DATA, RetentionPolicy
from services.messaging.kinds import MESSAGE_KINDS
from services.messaging.subjects import DeliveryDecision


class AllocationMethod(models.TextChoices):
    """How the places are given; announced before registration opens."""

    FIRST_COME = "first_come"
    LOTTERY = "lottery"


class PlaceUnit(models.TextChoices):
    """What takes up one place: a person, or a party (such as a family) of any size."""

    PERSON = "person"
    PARTY = "party"


class OfferingQuerySet(models.QuerySet):
    """Queries about offerings."""

    def locked(self, *keys: int) -> dict[int, "Offering"]:
        """Lock the rows with these keys, always in the same order so as to avoid deadlocks, and return them by key."""
        return {row.pk: row for row in self.select_for_update().filter(pk__in=keys).order_by("pk")}

    def with_free_places_and_a_list(self):
        """Return those to come that have free places although people wait: whoever waits may be too many or busy."""
        holding = Q(registrations__state__in=HOLDING_A_PLACE)
        counted = self.filter(is_cancelled=False, starts_at__gt=timezone.now()).annotate(
            people=Sum("registrations__party_size", filter=holding, default=0),
            parties=Count("registrations", filter=holding),
            waiting=Count("registrations", filter=Q(registrations__state=RegistrationState.WAITING)),
        )
        is_free = Q(place_unit=PlaceUnit.PERSON, people__lt=F("capacity"))
        return counted.filter(is_free | Q(place_unit=PlaceUnit.PARTY, parties__lt=F("capacity")), waiting__gt=0)


class Offering(models.Model):
    """Places for something that takes place from `starts_at` to `ends_at`.

    Placed and offered parties together never exceed `capacity`: services.registration.actions locks this row, then
    counts, then writes. `programme` is the beginning of its message kinds: "consultations/appointment" has the kinds
    consultations/appointment_booked, …_waiting and so on. `is_one_meeting`: people attend from start to end, so nobody
    can have a place in two that overlap. `seed`: anyone who knows it can repeat the draw. A capacity of 0 is a waiting
    list only. After a cut in capacity, more people may have a place than there are places (`excess`): nobody loses it.
    """

    RETENTION = NO_PERSONAL_DATA

    public_id = PublicIdField()
    programme = models.CharField(max_length=40)
    capacity = models.PositiveIntegerField()
    place_unit = models.CharField(max_length=6, choices=PlaceUnit, default=PlaceUnit.PERSON)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_one_meeting = models.BooleanField(default=False)
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    selection = models.CharField(max_length=12, choices=AllocationMethod, default=AllocationMethod.FIRST_COME)
    seed = models.CharField(max_length=64, blank=True)
    drawn_at = models.DateTimeField(null=True, blank=True)
    has_waiting_list = models.BooleanField(default=True)
    waiting_limit = models.PositiveIntegerField(null=True, blank=True)
    offer_hours = models.PositiveSmallIntegerField(default=24)
    is_cancelled = models.BooleanField(default=False)

    objects = OfferingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(selection__in=AllocationMethod.values), name="registration_known_selection"
            ),
            models.CheckConstraint(condition=Q(place_unit__in=PlaceUnit.values), name="registration_known_place_unit"),
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="registration_starts_before_end"),
            models.CheckConstraint(
                condition=Q(opens_at__isnull=True) | Q(closes_at__isnull=True) | Q(opens_at__lt=F("closes_at")),
                name="registration_opens_before_it_closes",
            ),
            models.CheckConstraint(
                condition=Q(drawn_at__isnull=True, seed="") | Q(drawn_at__isnull=False) & ~Q(seed=""),
                name="registration_drawn_means_seed",
            ),
            models.CheckConstraint(
                condition=Q(drawn_at__isnull=True) | Q(selection=AllocationMethod.LOTTERY),
                name="registration_only_a_lottery_is_drawn",
            ),
        ]

    def __str__(self):
        return f"{self.programme} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def waits_for_draw(self) -> bool:
        """Whether a draw decides and has not been held yet."""
        return self.selection == AllocationMethod.LOTTERY and self.drawn_at is None

    def has_begun(self) -> bool:
        """Whether it has started, so that nothing can be changed."""
        return self.starts_at <= timezone.now()

    def places_for(self, party_size: int) -> int:
        """Return how many places a party of this size takes up."""
        return 1 if self.place_unit == PlaceUnit.PARTY else party_size

    def held(self) -> int:
        """Count the places that are taken or offered. The number is reliable only while this row is locked."""
        unit = Count("pk") if self.place_unit == PlaceUnit.PARTY else Sum("party_size", default=0)
        return self.registrations.holding().aggregate(places=unit)["places"]

    def excess(self) -> int:
        """Count the places that are taken or offered beyond the capacity, after a cut in it."""
        return max(self.held() - self.capacity, 0)

    def is_waiting_list_open(self) -> bool:
        """Whether one more party can join the waiting list."""
        if not self.has_waiting_list:
            return False
        return self.waiting_limit is None or self.registrations.waiting().count() < self.waiting_limit


class RegistrationState(models.TextChoices):
    """The status of a registration."""

    APPLIED = "applied", pgettext_lazy("state of a registration", "Waiting for the draw")
    WAITING = "waiting", pgettext_lazy("state of a registration", "On the waiting list")
    OFFERED = "offered", pgettext_lazy("state of a registration", "A place is available for you")
    PLACED = "placed", pgettext_lazy("state of a registration", "You have a place")
    CANCELLED = "cancelled", pgettext_lazy("state of a registration", "Cancelled")
    DECLINED = "declined", pgettext_lazy("state of a registration", "You declined the place")
    EXPIRED = "expired", pgettext_lazy("state of a registration", "You did not reply in time")
    NOT_DRAWN = "not_drawn", pgettext_lazy("state of a registration", "Not selected")


HOLDING_A_PLACE = (RegistrationState.PLACED, RegistrationState.OFFERED)
ENDED_STATES = (
    RegistrationState.CANCELLED,
    RegistrationState.DECLINED,
    RegistrationState.EXPIRED,
    RegistrationState.NOT_DRAWN,
)


class RegistrationQuerySet(models.QuerySet):
    """Queries about registrations."""

    def visible_to(self, user) -> "RegistrationQuerySet":
        """Return the user's own, including bookings made without the account. Staff use the programme's own list."""
        return self.filter(resident__in=Resident.objects.visible_to(user))

    def holding(self):
        """Return those that take up places: placed, or with an open offer."""
        return self.filter(state__in=HOLDING_A_PLACE)

    def active(self):
        """Return those that have not ended."""
        return self.exclude(state__in=ENDED_STATES)

    def waiting(self):
        """Return the waiting list, by position in the draw if there was one, then by time of registration."""
        order = (F("drawn_as").asc(nulls_last=True), "applied_at", "pk")
        return self.filter(state=RegistrationState.WAITING).order_by(*order)

    def overdue(self):
        """Return the offers that were not answered in time."""
        return self.filter(state=RegistrationState.OFFERED, offered_until__lte=timezone.now())

    def busy_elsewhere(self):
        """Return those whose resident has a place in another meeting at the same time."""
        other = Registration.objects.filter(
            resident=OuterRef("resident"),
            state=RegistrationState.PLACED,
            offering__is_one_meeting=True,
            offering__starts_at__lt=OuterRef("offering__ends_at"),
            offering__ends_at__gt=OuterRef("offering__starts_at"),
        ).exclude(pk=OuterRef("pk"))
        return self.filter(Exists(other), offering__is_one_meeting=True)

    def of_the_same_person(self, resident: Resident):
        """Return those of somebody with the same name who can be reached at one of the same addresses."""
        addresses = (
            {"email__iexact": resident.email},
            {"phone": resident.phone},
            {"contact_channel": resident.contact_channel, "contact_address": resident.contact_address},
        )
        same = Q(resident=resident)
        for address in addresses:
            if all(address.values()):
                same |= Q(**{f"resident__{name}": value for name, value in address.items()})
        rows = self.filter(same).select_related("resident")
        return [row for row in rows if search_key(row.resident.name) == search_key(resident.name)]


class Registration(models.Model):
    """A resident's place, application or turn on the waiting list. Only services.registration.actions changes it.

    `needs`: what has to be ready for the people, as JSON of the programme's RegistrationNeeds. `idempotency_key`
    identifies the form that was sent, so that sending it twice gives one registration. Links in messages are signed
    over `public_id` and `link_version`: a new version makes every link sent so far invalid. `sequence` counts the
    changes, for calendars (RFC 5545). `attendees`: how many of the party came. Anonymised rows keep state, party size
    and attendance for statistics.
    """

    RETENTION = RetentionPolicy(
        "Reserving a place. Three months after the end, the row is anonymised: only status, party size, dates and "
        "attendance stay.",
        since="offering__ends_at",
        days=90,
        anonymise={"resident": None, "needs": {}, "idempotency_key": None},
    )
    TRANSITIONS = {
        RegistrationState.APPLIED: {
            RegistrationState.PLACED,
            RegistrationState.WAITING,
            RegistrationState.NOT_DRAWN,
            RegistrationState.CANCELLED,
        },
        # From the waiting list straight to a place: only by moving to another time that has one.
        RegistrationState.WAITING: {RegistrationState.OFFERED, RegistrationState.PLACED, RegistrationState.CANCELLED},
        RegistrationState.OFFERED: {
            RegistrationState.PLACED,
            RegistrationState.WAITING,  # they have taken another place at that time
            RegistrationState.DECLINED,
            RegistrationState.EXPIRED,
            RegistrationState.CANCELLED,
        },
        RegistrationState.PLACED: {RegistrationState.CANCELLED},
        RegistrationState.CANCELLED: set(),
        RegistrationState.DECLINED: set(),
        RegistrationState.EXPIRED: set(),
        RegistrationState.NOT_DRAWN: set(),
    }

    public_id = PublicIdField()
    link_version = models.PositiveIntegerField(default=0)
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="registrations")
    resident = models.ForeignKey(
        Resident, on_delete=models.SET_NULL, null=True, blank=True, related_name="registrations"
    )
    party_size = models.PositiveSmallIntegerField(default=1)
    needs = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=RegistrationState)
    applied_at = models.DateTimeField(default=timezone.now)
    drawn_as = models.PositiveIntegerField(null=True, blank=True)
    offered_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    attendees = models.PositiveSmallIntegerField(null=True, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    idempotency_key = models.CharField(max_length=22, null=True, blank=True)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RegistrationState.values), name="registration_known_state"),
            models.CheckConstraint(condition=Q(party_size__gte=1), name="registration_somebody_comes"),
            models.CheckConstraint(
                condition=Q(state=RegistrationState.OFFERED, offered_until__isnull=False)
                | ~Q(state=RegistrationState.OFFERED) & Q(offered_until__isnull=True),
                name="registration_offered_means_until",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ENDED_STATES, ended_at__isnull=False)
                | ~Q(state__in=ENDED_STATES) & Q(ended_at__isnull=True),
                name="registration_ended_means_when",
            ),
            models.CheckConstraint(
                condition=Q(attendees__isnull=True) | Q(state=RegistrationState.PLACED, attendees__lte=F("party_size")),
                name="registration_only_who_has_a_place_comes",
            ),
            models.UniqueConstraint(
                fields=["offering", "resident"],
                condition=~Q(state__in=ENDED_STATES),
                name="registration_once_while_it_holds",
            ),
            models.UniqueConstraint(fields=["offering", "idempotency_key"], name="registration_once_for_each_form"),
        ]
        indexes = [models.Index(fields=["state", "offered_until"], name="registration_offers")]

    def __str__(self):
        return f"{self.public_id} {self.state}"

    @property
    def has_ended(self) -> bool:
        """Whether the registration has reached a final state."""
        return self.state in ENDED_STATES

    def position(self) -> int:
        """Return the position on the waiting list, from 1; 0 if not on it."""
        keys = list(self.offering.registrations.waiting().values_list("pk", flat=True))
        return keys.index(self.pk) + 1 if self.pk in keys else 0

    def delivery_decision(self, message) -> DeliveryDecision:
        """Drop a message that has become untrue while it waited, such as an offer that has been answered."""
        kind = MESSAGE_KINDS.get(message.kind)
        is_valid = kind is None or kind.is_valid_in(self.state)
        return DeliveryDecision.SEND if is_valid else DeliveryDecision.DROP


def offer_ends(offering: Offering) -> datetime.datetime:
    """Return the deadline of an offer made now: after `offer_hours`, but no later than the start."""
    return min(timezone.now() + datetime.timedelta(hours=offering.offer_hours), offering.starts_at)
