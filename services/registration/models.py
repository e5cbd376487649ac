"""What has places to give, and who has, wants or had one."""

import datetime

from django.db import models
from django.db.models import F, Q, Sum
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from services.accounts.models import Resident
from services.base.keeping import NOTHING_PERSONAL, Keeping
from services.base.public_ids import PublicIdField


class Selection(models.TextChoices):
    """How the places are given, said beforehand."""

    FIRST_COME = "first_come"
    LOTTERY = "lottery"


class OfferingQuerySet(models.QuerySet):
    """Questions about what has places."""

    def locked(self, *keys: int) -> dict[int, "Offering"]:
        """These rows by their keys, locked in one order, so that two who need two of them never wait for each other."""
        return {row.pk: row for row in self.select_for_update().filter(pk__in=keys).order_by("pk")}


class Offering(models.Model):
    """Places for something that happens from `starts_at` to `ends_at`: whoever has places has one of these.

    Placed and offered parties together are never more than `capacity`: registration.actions locks this row, then
    counts, then writes. `programme` names whose letters are used: "consultations/appointment" tells by the folders
    consultations/appointment_booked, …_waiting and so on. `is_one_meeting`: one is there from start to end, so nobody
    has a place at two of them at once. `seed` makes a lottery repeatable: whoever knows it can draw again.
    """

    KEEPING = NOTHING_PERSONAL

    public_id = PublicIdField()
    programme = models.CharField(max_length=40)
    capacity = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_one_meeting = models.BooleanField(default=False)
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    selection = models.CharField(max_length=12, choices=Selection, default=Selection.FIRST_COME)
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
            models.CheckConstraint(condition=Q(selection__in=Selection.values), name="registration_known_selection"),
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
                condition=Q(drawn_at__isnull=True) | Q(selection=Selection.LOTTERY),
                name="registration_only_a_lottery_is_drawn",
            ),
        ]

    def __str__(self):
        return f"{self.programme} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def waits_for_draw(self) -> bool:
        """Whether the lot has still to decide."""
        return self.selection == Selection.LOTTERY and self.drawn_at is None

    def has_begun(self) -> bool:
        """Whether it is too late for any change."""
        return self.starts_at <= timezone.now()

    def held(self) -> int:
        """How many people have a place, or are asked whether they want it; under the lock it stays true."""
        return self.registrations.holding().aggregate(people=Sum("party_size"))["people"] or 0

    def is_waiting_list_open(self) -> bool:
        """Whether one more may wait."""
        if not self.has_waiting_list:
            return False
        return self.waiting_limit is None or self.registrations.waiting().count() < self.waiting_limit


class RegistrationState(models.TextChoices):
    """Where somebody stands."""

    APPLIED = "applied", pgettext_lazy("state of a registration", "Waiting for the lottery")
    WAITING = "waiting", pgettext_lazy("state of a registration", "On the waiting list")
    OFFERED = "offered", pgettext_lazy("state of a registration", "A place is free for you")
    PLACED = "placed", pgettext_lazy("state of a registration", "You have a place")
    CANCELLED = "cancelled", pgettext_lazy("state of a registration", "Cancelled")
    DECLINED = "declined", pgettext_lazy("state of a registration", "Given back")
    EXPIRED = "expired", pgettext_lazy("state of a registration", "Not answered in time")
    NOT_DRAWN = "not_drawn", pgettext_lazy("state of a registration", "Not drawn")


HOLDING = (RegistrationState.PLACED, RegistrationState.OFFERED)
ENDED = (
    RegistrationState.CANCELLED,
    RegistrationState.DECLINED,
    RegistrationState.EXPIRED,
    RegistrationState.NOT_DRAWN,
)
# By the end of a message's kind: in which state it is still true. A message may have waited for hours.
_TRUE_IN = {
    "applied": {RegistrationState.APPLIED},
    "waiting": {RegistrationState.WAITING},
    "offered": {RegistrationState.OFFERED},
    "booked": {RegistrationState.PLACED},
    "changed": {RegistrationState.PLACED},
    "reminder": {RegistrationState.PLACED},
}


class RegistrationQuerySet(models.QuerySet):
    """Questions about registrations."""

    def visible_to(self, user) -> "RegistrationQuerySet":
        """One's own, also what was booked without the account. Staff find them in the programme's own list."""
        return self.filter(resident__in=Resident.objects.visible_to(user))

    def holding(self):
        """Those that take places: placed, and offered as long as the offer stands."""
        return self.filter(state__in=HOLDING)

    def active(self):
        """Those that have not ended."""
        return self.exclude(state__in=ENDED)

    def waiting(self):
        """The waiting list: after a lottery in the order of the draw, then in order of application."""
        line = (F("drawn_as").asc(nulls_last=True), "applied_at", "pk")
        return self.filter(state=RegistrationState.WAITING).order_by(*line)

    def late(self):
        """Offers that nobody has answered in time."""
        return self.filter(state=RegistrationState.OFFERED, offered_until__lte=timezone.now())


class Registration(models.Model):
    """A resident's place, or turn to get one. Only registration.actions moves it.

    `needs` is what has to be ready for them, by plain words: how they come, the language to interpret into, childcare.
    `form_key` names the form that was sent, so that sending it twice is one registration. Links in messages are signed
    over `public_id` and `key`: another key makes all that were ever sent open nothing. `sequence` counts the changes,
    for calendars (RFC 5545). Anonymous rows still count: state, party, whether they came.
    """

    KEEPING = Keeping(
        "Keeping a place for somebody. Three months after it is past only state, party and needs' absence stay.",
        since="offering__ends_at",
        days=90,
        makes={"resident": None, "needs": {}, "form_key": None},
    )
    MOVES = {
        RegistrationState.APPLIED: {
            RegistrationState.PLACED,
            RegistrationState.WAITING,
            RegistrationState.NOT_DRAWN,
            RegistrationState.CANCELLED,
        },
        # From the list straight to a place: only to another time that has one.
        RegistrationState.WAITING: {RegistrationState.OFFERED, RegistrationState.PLACED, RegistrationState.CANCELLED},
        RegistrationState.OFFERED: {
            RegistrationState.PLACED,
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
    key = models.PositiveIntegerField(default=0)
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
    came = models.BooleanField(null=True, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    form_key = models.CharField(max_length=22, null=True, blank=True)

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
                condition=Q(state__in=ENDED, ended_at__isnull=False) | ~Q(state__in=ENDED) & Q(ended_at__isnull=True),
                name="registration_ended_means_when",
            ),
            models.CheckConstraint(
                condition=Q(came__isnull=True) | Q(state=RegistrationState.PLACED),
                name="registration_only_who_has_a_place_comes",
            ),
            models.UniqueConstraint(
                fields=["offering", "resident"], condition=~Q(state__in=ENDED), name="registration_once_while_it_holds"
            ),
            models.UniqueConstraint(fields=["offering", "form_key"], name="registration_once_for_each_form"),
        ]
        indexes = [models.Index(fields=["state", "offered_until"], name="registration_offers")]

    def __str__(self):
        return f"{self.public_id} {self.state}"

    @property
    def has_ended(self) -> bool:
        """Whether nothing can come of it any more."""
        return self.state in ENDED

    def position(self) -> int:
        """Which one on the waiting list, from 1 on; 0 for who does not wait."""
        line = list(self.offering.registrations.waiting().values_list("pk", flat=True))
        return line.index(self.pk) + 1 if self.pk in line else 0

    def still_concerns(self, message) -> bool:
        """Whether a message that waited is still true; the ledger asks just before it sends one."""
        event = message.kind.rpartition("_")[2]
        return event not in _TRUE_IN or self.state in _TRUE_IN[event]


def offer_ends(offering: Offering) -> datetime.datetime:
    """Until when a place that is offered now is kept: never longer than until it begins."""
    return min(timezone.now() + datetime.timedelta(hours=offering.offer_hours), offering.starts_at)
