"""The download of personal data is complete, in every state, and "forget me" leaves nothing of it behind.

Every field that may hold personal data is listed here: as downloaded, or with the reason why not. A canary puts a
distinct value into each downloaded field and into each key of each JSON field, then looks for all of them.
"""

import datetime
import html
import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import timezone, translation
from modeltranslation.fields import TranslationField

from consultations.appointments.appointment_needs import AppointmentNeeds
from consultations.models import ConsultationMode
from services.accounts.actions import create_resident, grant_role, revoke_role
from services.accounts.models import User
from services.accounts.personal_data_registry import export_personal_data
from services.accounts.roles import Role
from services.base.retention import NO_PERSONAL_DATA, retention_policies
from services.languages.dates import format_datetime
from services.languages.names import NAMES
from services.messaging.channels import CHANNELS, channel_label
from services.messaging.models import MessageState, Suppression
from services.messaging.personal_data import _STATUS as MESSAGE_STATUS
from services.notices.models import Subscription, SubscriptionState
from services.notices.personal_data import _STATUS as SUBSCRIPTION_STATUS
from services.registration.models import ENDED_STATES, Registration, RegistrationState
from services.registration.needs import RegistrationNeeds
from services.registration.summaries import needs_of
from tests.factories import (
    AppointmentFactory,
    MessageFactory,
    NoticeFactory,
    ResidentFactory,
    TopicFactory,
    UserFactory,
)
from tests.support.personal_data import confirm_identity, whole_database

pytestmark = pytest.mark.django_db
MARKER = "zq7canary"
MESSAGE_DATES = ("created_at", "due_at", "expires_at", "ended_at", "read_at")

DOWNLOADED = {
    "accounts.User": "email name language joined_at last_login public_id",
    "accounts.RoleAssignment": "role granted_at",
    "accounts.Resident": "public_id name language email phone contact_channel contact_address created_at needed_until",
    "account.EmailAddress": "email verified primary",
    "mfa.Authenticator": "type created_at last_used_at",
    "messaging.Message": "public_id kind channel address language second_language written_in context state attempts "
    "created_at due_at expires_at ended_at read_at cause",
    "messaging.Suppression": "channel address reason since",
    "notices.Subscription": "public_id channel address language second_language area topics state asked_at "
    "confirmed_at",
    "registration.Registration": "public_id offering party_size needs state applied_at drawn_as offered_until ended_at "
    "attendees sequence",
}

OWNER = "It leads to the person whose download this is."
SECRET = "It is a secret for signing in."
INTERNAL = "It only serves the software: it says nothing about the person."
AUDIT = "The audit trail holds names of fields and public ids, never values, and must not be shown (ADR 0007, 0014)."
DESK = "A record of the desk is anonymous or found by the person's code, never by an account (ADR 0012)."
STAFF = "It records staff's work for the city, which stays with the city."
FIGURES = "It counts consultations; nobody can be recognised."
NOT_DOWNLOADED = {
    ("accounts.User", SECRET): "password",
    ("accounts.User", "Somebody who is inactive cannot sign in to download anything."): "is_active",
    ("accounts.RoleAssignment", OWNER): "user",
    ("accounts.Resident", OWNER): "user",
    ("account.EmailAddress", OWNER): "user",
    ("mfa.Authenticator", OWNER): "user",
    ("mfa.Authenticator", SECRET): "data",
    ("messaging.Message", OWNER): "person resident user recipient_type recipient_id",
    ("messaging.Message", "Its subject shows what it is about."): "about_type about_id",
    ("messaging.Message", INTERNAL): "idempotency_key recipient_left queue guarantee lease leased_until",
    ("notices.Subscription", INTERNAL): "link_version",
    ("registration.Registration", OWNER): "resident",
    ("registration.Registration", INTERNAL): "link_version idempotency_key",
    ("audit.AuditEntry", AUDIT): "sequence at actor roles action object_type object_id fields reason mac",
    ("notices.Notice", STAFF): "public_id state topic title body source_language level pattern placeholders source "
    "is_exercise area to_languages starts_at ends_at place until author approver editors returned_because changed_at "
    "scheduled_at published_at written_up_to written_at ended_at corrects updates first_version is_all_day",
    ("notices.NoticeTranslation", STAFF): "notice language state checked_by checked_at search_text",
    ("consultations.DeskShift", STAFF): "public_id adviser schedule languages",
    ("consultations.ImportUpload", STAFF): "public_id by text made_at",
    ("consultations.ClosedMonth", STAFF): "month figures closed_at closed_by reopened_at reopened_by reason",
    ("consultations.ConsultationDraft", DESK): "public_id adviser typed topic saved_at",
    ("consultations.Client", DESK): "public_id code name contact name_index contact_index language safe_channels "
    "last_seen_at met_by merged_into",
    ("consultations.Case", DESK): "public_id subject client language state is_restricted assigned opened_at closed_at "
    "merged_into",
    ("consultations.CaseMember", DESK): "case user since",
    ("consultations.CaseEvent", DESK): "public_id case kind text about by at",
    ("consultations.CaseMerge", DESK): "public_id kind case other client other_client moved by at undone_at",
    ("consultations.Consultation", DESK): "public_id began_at month minutes channel enquirer language language_support "
    "mother_tongue nationality outcome referred_to note client case adviser assigned is_restricted late_reason version "
    "logged_at",
    ("consultations.ConsultationTopic", DESK): "consultation topic scheme is_primary",
    ("consultations.ReadGrant", DESK): "consultation user until",
    ("consultations.Amendment", DESK): "public_id consultation version made_at by reason fields before",
    ("consultations.FollowUp", DESK): "public_id case kind what owner due_on state attempts_made decision ended_at",
    ("consultations.ContactAttempt", DESK): "follow_up number way was_reached by at",
    ("consultations.Referral", DESK): "public_id case body what why written_in state by made_at consent "
    "consent_language consented_at agreed recorded_by answered_at revoked_at",
    ("consultations.MonthlyTally", FIGURES): "month dimension value is_restricted consultations topics minutes",
    ("consultations.TallyDelta", FIGURES): "month is_restricted sign facts",
}
# All tables of Django and of packages, with the reason if they are in neither list above.
TABLES_OF_PACKAGES = {
    "account.EmailConfirmation": "Codes are kept in the session: the table stays empty.",
    "admin.LogEntry": "The admin writes to the audit trail instead: the table stays empty (RoleAdmin).",
    "auth.Group": "Roles are used instead: the table stays empty.",
    "auth.Permission": "Names of Django's permissions.",
    "contenttypes.ContentType": "Names of models.",
    "sessions.Session": "It ends by itself, and holds nothing that is not stored elsewhere.",
    "account.EmailAddress": "",
    "mfa.Authenticator": "",
}


def listed(table: dict) -> set[str]:
    """Return the table's fields as app.Model.field."""
    return {
        f"{label if isinstance(label, str) else label[0]}.{name}"
        for label, names in table.items()
        for name in names.split()
    }


def personal_fields() -> set[str]:
    """Return every model field that may hold personal data, as app.Model.field; a translated field appears once."""
    ours = {model for model, policy in retention_policies().items() if policy is not NO_PERSONAL_DATA}
    theirs = {EmailAddress, Authenticator}
    return {
        f"{model._meta.label}.{column.name}"
        for model in ours | theirs
        for column in (*model._meta.concrete_fields, *model._meta.many_to_many)
        if not column.auto_created and not isinstance(column, TranslationField)
    }


def test_every_personal_field_is_downloaded_or_has_a_reason():
    downloaded, not_downloaded = listed(DOWNLOADED), listed(NOT_DOWNLOADED)

    assert downloaded & not_downloaded == set()
    assert downloaded | not_downloaded == personal_fields()


def test_new_personal_field_is_noticed():
    models.CharField(max_length=1).contribute_to_class(Registration, "shoe_size")
    try:
        assert "registration.Registration.shoe_size" in personal_fields() - listed(DOWNLOADED) - listed(NOT_DOWNLOADED)
    finally:
        Registration._meta.local_fields.remove(Registration._meta.get_field("shoe_size"))
        Registration._meta._expire_cache()


def test_every_table_of_a_package_is_known():
    ours = {model._meta.label for model in retention_policies()}

    assert {model._meta.label for model in apps.get_models()} - ours == set(TABLES_OF_PACKAGES)


class Canary:
    """Values that occur nowhere else, and the text that the download must show for each."""

    def __init__(self):
        self.expected: dict[str, list[Callable[[], str]]] = defaultdict(list)
        self.secrets: list[str] = []
        self._count = 0

    def _next(self) -> int:
        self._count += 1
        return self._count

    def expect(self, field: str, text: Callable[[], str]) -> None:
        """Expect a text in the download, in the language that is active at the time of the check."""
        self.expected[field].append(text)

    def text(self, field: str, shape: str = "{}") -> str:
        """Return a marker to store; the download must show it."""
        marker = shape.format(f"{MARKER}{self._next()}x")
        self.expect(field, lambda: marker)
        return marker

    def secret(self) -> str:
        """Return a marker to store; the download must not show it."""
        self.secrets.append(f"{MARKER}{self._next()}x")
        return self.secrets[-1]

    def number(self, field: str) -> int:
        """Return a number to store."""
        number = 30000 + self._next()
        self.expect(field, lambda: str(number))
        return number

    def moment(self, field: str) -> datetime.datetime:
        """Return a moment to store, on a day of its own."""
        first = datetime.datetime(2031, 1, 1, 12, 34, tzinfo=datetime.UTC)
        at = first + datetime.timedelta(days=self._next())
        self.expect(field, lambda: format_datetime(at))
        return at

    def choice(self, field: str, value, text: Callable[[], object]):
        """Return a value to store that the download shows as text."""
        self.expect(field, lambda: str(text()))
        return value

    def language(self, field: str, code: str) -> str:
        """Return a language to store."""
        return self.choice(field, code, lambda: NAMES[code])

    def public_id(self, row: models.Model) -> None:
        """Expect the download to show a row's public id."""
        self.expect(f"{row._meta.label}.public_id", lambda: row.public_id)

    def missing_from(self, text: str) -> set[str]:
        """Return the fields for which an expected text is missing."""
        return {field for field, texts in self.expected.items() if any(say() not in text for say in texts)}


def plant() -> tuple[User, Canary]:
    """Store a distinct value in each field of one person, who has an account and has also booked without it."""
    canary = Canary()
    user = UserFactory(
        email=canary.text("accounts.User.email", "{}@example.org"),
        name=canary.text("accounts.User.name"),
        language="vi",
    )
    canary.public_id(user)
    plant_account(canary, user)
    own, guest = plant_residents(canary, user)
    for resident in (own, guest):
        for state in RegistrationState:
            plant_registration(canary, resident, state, attended=resident == own)
    for code in CHANNELS:
        for state in MessageState:
            plant_message(canary, user, code, state)
    gone = {"about_type": "registration.registration", "about_id": 10**9}
    MessageFactory(user=user, kind="consultations/appointment_booked", **gone)
    canary.expect("messaging.Message.kind", lambda: "consultations/appointment_booked")
    plant_subscriptions(canary, user)
    Suppression.objects.create(
        channel=canary.choice("messaging.Suppression.channel", "email", lambda: channel_label("email")),
        address=user.email.upper(),
        reason=canary.text("messaging.Suppression.reason", "550 5.1.1 <{}@example.org>"),
        since=canary.moment("messaging.Suppression.since"),
    )
    canary.expect("messaging.Suppression.address", user.email.upper)
    return user, canary


def plant_account(canary: Canary, user: User) -> None:
    User.objects.filter(pk=user.pk).update(
        joined_at=canary.moment("accounts.User.joined_at"),
        language=canary.language("accounts.User.language", "fil"),
    )
    EmailAddress.objects.create(user=user, email=canary.text("account.EmailAddress.email", "{}@example.org"))
    canary.expect("account.EmailAddress.verified", lambda: translation.pgettext("personal data", "Confirmed"))
    canary.expect("account.EmailAddress.verified", lambda: translation.pgettext("personal data", "Not confirmed yet"))
    canary.expect("account.EmailAddress.primary", lambda: translation.pgettext("personal data", "Main email address"))
    row = Authenticator.objects.create(
        user=user,
        type=canary.choice("mfa.Authenticator.type", "totp", lambda: Authenticator.Type.TOTP.label),
        data={"secret": canary.secret()},
    )
    Authenticator.objects.filter(pk=row.pk).update(
        created_at=canary.moment("mfa.Authenticator.created_at"),
        last_used_at=canary.moment("mfa.Authenticator.last_used_at"),
    )
    grant = grant_role(user, Role.TEACHER, by=None)
    type(grant).objects.update(granted_at=canary.moment("accounts.RoleAssignment.granted_at"))
    canary.expect("accounts.RoleAssignment.role", lambda: str(Role.TEACHER.label))


def plant_residents(canary: Canary, user: User):
    own = create_resident(user, name=user.name, language="fil")
    guest = ResidentFactory(email=user.email.capitalize())
    for row in (own, guest):
        canary.public_id(row)
        row.name, row.phone = canary.text("accounts.Resident.name"), canary.text("accounts.Resident.phone")
        row.language = canary.language("accounts.Resident.language", "da")
        row.contact_channel = canary.choice("accounts.Resident.contact_channel", "sms", lambda: channel_label("sms"))
        row.contact_address = canary.text("accounts.Resident.contact_address")
        row.created_at, row.needed_until = (
            canary.moment(f"accounts.Resident.{name}") for name in ("created_at", "needed_until")
        )
    own.email = canary.text("accounts.Resident.email", "{}@example.org")
    canary.expect("accounts.Resident.email", lambda: guest.email)
    own.save()
    guest.save()
    return own, guest


def plant_registration(canary: Canary, resident, state: RegistrationState, *, attended: bool) -> Registration:
    """Store everything that this state allows. An offering that was attended, or not, is in the past."""
    label = "registration.Registration"
    party_size = canary.number(f"{label}.party_size")
    is_placed = state == RegistrationState.PLACED
    names = [column.name for column in fields(AppointmentNeeds) if column.name != "unknown"]
    row = AppointmentFactory(
        resident=resident,
        state=state,
        offering__starts_at=timezone.now() + datetime.timedelta(days=-1 if is_placed else 7),
        party_size=party_size,
        needs={name: canary.text(f"{label}.needs") for name in (*names, canary.text(f"{label}.needs"))},
        applied_at=canary.moment(f"{label}.applied_at"),
        drawn_as=canary.number(f"{label}.drawn_as"),
        offered_until=canary.moment(f"{label}.offered_until") if state == RegistrationState.OFFERED else None,
        ended_at=canary.moment(f"{label}.ended_at") if state in ENDED_STATES else None,
        attendees=attended * party_size if is_placed else None,
        sequence=canary.number(f"{label}.sequence"),
        idempotency_key=canary.secret(),
    )
    canary.public_id(row)
    canary.expect(f"{label}.state", lambda: str(state.label))
    canary.expect(f"{label}.offering", lambda: f"{timezone.localtime(row.offering.starts_at):%H:%M}")
    said = "You attended" if attended else "You did not attend"
    canary.expect(f"{label}.attendees", lambda: translation.pgettext("personal data", said))
    return row


def plant_message(canary: Canary, user: User, channel: str, state: MessageState) -> None:
    label = "messaging.Message"
    row = MessageFactory(
        user=user,
        person=canary.secret(),
        channel=canary.choice(f"{label}.channel", channel, lambda: channel_label(channel)),
        address=canary.text(f"{label}.address"),
        language=canary.language(f"{label}.language", "ko"),
        second_language=canary.language(f"{label}.second_language", "da"),
        written_in=canary.language(f"{label}.written_in", "zh-hans"),
        context={"code": canary.text(f"{label}.context"), canary.text(f"{label}.context"): MARKER},
        state=canary.choice(f"{label}.state", state, lambda: MESSAGE_STATUS[state]),
        attempts=canary.number(f"{label}.attempts"),
        leased_until=timezone.now() if state == MessageState.SENDING else None,
        cause=canary.text(f"{label}.cause", "550 5.1.1 <{}@example.org>"),
        **{name: canary.moment(f"{label}.{name}") for name in MESSAGE_DATES},
    )
    canary.public_id(row)


def plant_subscriptions(canary: Canary, user: User) -> None:
    """A confirmed subscription by email, and one that nobody has confirmed yet. One that has ended has no address."""
    label = "notices.Subscription"
    topic = TopicFactory(name_en=canary.text(f"{label}.topics").replace(MARKER, "topic"))
    canary.expected[f"{label}.topics"] = [lambda: topic.name_en]
    area = next(iter(settings.CITY.areas), None)
    for state, channel in ((SubscriptionState.ACTIVE, "email"), (SubscriptionState.PENDING, "sms")):
        row = Subscription.objects.create(
            channel=canary.choice(f"{label}.channel", channel, lambda channel=channel: channel_label(channel)),
            address=user.email.upper(),
            language=canary.language(f"{label}.language", "ne"),
            second_language=canary.language(f"{label}.second_language", "en"),
            area=canary.text(f"{label}.area"),
            state=canary.choice(f"{label}.state", state, lambda state=state: SUBSCRIPTION_STATUS[state]),
            asked_at=canary.moment(f"{label}.asked_at"),
            confirmed_at=canary.moment(f"{label}.confirmed_at"),
        )
        row.topics.add(topic)
        canary.public_id(row)
        canary.expect(f"{label}.address", user.email.upper)
    if area:
        Subscription.objects.filter(state=SubscriptionState.PENDING).update(area=area)
        canary.expected[f"{label}.area"][-1] = lambda: settings.CITY.area(area, translation.get_language())


def as_text(known: dict) -> str:
    """Return all headings, labels and values of the download."""
    parts = [part for rows in known.values() for row in rows for pair in row.items() for part in pair]
    return "\n".join([*known, *parts])


def without_tags(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def sign_in(client, user: User, canary: Canary) -> None:
    """Sign in as the personal data page requires, and set a known sign-in time."""
    confirm_identity(client, user)
    User.objects.filter(pk=user.pk).update(last_login=canary.moment("accounts.User.last_login"))


@pytest.mark.parametrize("language", ["en", "ar"])
def test_everything_stored_about_a_person_is_in_both_files(client, language):
    user, canary = plant()
    sign_in(client, user, canary)

    answer = client.post(f"/{language}/me/data/download/", {"as": "json"})
    page = client.post(f"/{language}/me/data/download/", {"as": "html"})

    for text in (as_text(json.loads(answer.content)), without_tags(page.content.decode())):
        with translation.override(language):
            assert canary.missing_from(text) == set()
        assert [secret for secret in canary.secrets if secret in text] == []
    assert set(canary.expected) == listed(DOWNLOADED)


def test_canary_notices_a_field_that_is_not_downloaded(client):
    user, canary = plant()
    sign_in(client, user, canary)
    known = json.loads(client.post("/en/me/data/download/", {"as": "json"}).content)
    for row in known["Your bookings and registrations"]:
        row.pop("Interpreter", None)

    with translation.override("en"):
        assert canary.missing_from(as_text(known)) == {"registration.Registration.needs"}


def test_forgetting_leaves_no_marker_in_any_table(client):
    user, canary = plant()
    sign_in(client, user, canary)
    stored = whole_database().lower()
    assert [secret for secret in canary.secrets if secret not in stored] == []
    assert stored.count(MARKER) > 200
    revoke_role(user, Role.TEACHER, by=None)

    answer = client.post("/en/me/data/forget/", {"sure": "yes"})

    assert (answer.status_code, answer["Location"]) == (302, "/en/")
    left = whole_database().lower()
    assert [left[max(0, at - 200) : at + 50] for at in (left.find(MARKER),) if at >= 0] == []
    assert (User.objects.count(), Registration.objects.filter(resident__isnull=False).count()) == (0, 0)


def test_former_staff_leave_no_marker_either(client):
    user, canary = plant()
    NoticeFactory(author=user)
    sign_in(client, user, canary)
    revoke_role(user, Role.TEACHER, by=None)

    client.post("/en/me/data/forget/", {"sure": "yes"})

    assert MARKER not in whole_database().lower()
    assert User.objects.get(pk=user.pk).email.endswith("@left.invalid")


@pytest.mark.parametrize("state", RegistrationState)
def test_each_state_says_all_that_was_asked_for(state):
    user = UserFactory(language="en")
    resident = create_resident(user, name="Sita", language="en")
    row = plant_registration(Canary(), resident, state, attended=True)
    row.needs = {"how": "phone", "interpreting": "ne", "childcare": 2}
    row.save(update_fields=["needs"])

    with translation.override("en"):
        (said,) = export_personal_data(user)["Your bookings and registrations"]
        assert said["When"]
        assert said["Booking"] == "Appointment: Lawyer"
        assert said["Status"] == state.label
    assert (said["How to speak to us"], said["Interpreter"], said["childcare"]) == (
        ConsultationMode.PHONE.label,
        "Nepali",
        "2",
    )
    assert said["Number of people"] == str(row.party_size)


def every_class_of_needs(base: type[RegistrationNeeds] = RegistrationNeeds) -> set[type[RegistrationNeeds]]:
    found = {it for it in base.__subclasses__() if it.__module__.startswith(("services.", "consultations."))}
    return found | {it for child in found for it in every_class_of_needs(child)}


def test_each_programmes_needs_export_every_key_and_lose_none():
    assert AppointmentNeeds in every_class_of_needs()
    for needs in every_class_of_needs():
        names = [column.name for column in fields(needs) if column.name != "unknown"]
        stored = {name: f"value of {name}" for name in names} | {"a later key": ["kept"]}

        read = needs.from_json(stored)

        assert read.to_json() == stored
        assert set(read.export().values()) >= {f"value of {name}" for name in names} | {"['kept']"}
        assert read.export()["a later key"] == "['kept']"


def test_needs_are_read_by_the_class_of_their_programme():
    assert needs_of(AppointmentFactory(needs={"how": "video"})) == AppointmentNeeds(how="video")


def test_json_fields_are_those_whose_keys_the_canary_fills():
    columns = {
        f"{model._meta.label}.{column.name}"
        for model in apps.get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, models.JSONField)
    }
    assert columns & listed(DOWNLOADED) == {"messaging.Message.context", "registration.Registration.needs"}
