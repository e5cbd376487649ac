"""Actions on user accounts."""

import threading

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connections, transaction

from services.accounts import actions
from services.accounts.models import Resident, RoleAssignment, User
from services.accounts.roles import NEED_SECOND_FACTOR, Role
from services.audit.models import AuditEntry
from services.base.refusals import Refused
from tests.factories import ResidentFactory, UserFactory

pytestmark = pytest.mark.django_db


def told():
    return list(AuditEntry.objects.values_list("action", "object_id", "fields"))


@pytest.mark.parametrize("role", Role)
def test_grant_gives_a_role_once_and_tells_the_trail(role):
    by, user = UserFactory(), UserFactory()
    actions.grant_role(user, role, by=by)
    actions.grant_role(user, role, by=by)
    assert user.roles == {role}
    assert user.has_role(role) is True
    assert told() == [("accounts.grant", user.public_id, [role])]
    assert AuditEntry.objects.get().actor == by.public_id


def test_revoke_takes_a_role_once_and_tells_the_trail():
    user = UserFactory(roles=[Role.EDITOR, Role.TEACHER])
    actions.revoke_role(user, Role.EDITOR, by=None)
    actions.revoke_role(user, Role.EDITOR, by=None)
    assert user.roles == {Role.TEACHER}
    assert [line for line in told() if line[0] == "accounts.revoke"] == [
        ("accounts.revoke", user.public_id, [Role.EDITOR])
    ]


def test_last_administrator_stays():
    first = UserFactory(roles=[Role.ADMINISTRATOR])
    with pytest.raises(Refused, match="There must be at least one administrator"):
        actions.revoke_role(first, Role.ADMINISTRATOR, by=first)
    assert User.objects.get(pk=first.pk).roles == {Role.ADMINISTRATOR}
    second = UserFactory(roles=[Role.ADMINISTRATOR])
    actions.revoke_role(first, Role.ADMINISTRATOR, by=second)
    assert RoleAssignment.objects.get(role=Role.ADMINISTRATOR).user == second


def test_administrator_without_access_does_not_count():
    """An administrator who can no longer sign in could not give the role back."""
    first = UserFactory(roles=[Role.ADMINISTRATOR])
    UserFactory(roles=[Role.ADMINISTRATOR], is_active=False)
    with pytest.raises(Refused):
        actions.revoke_role(first, Role.ADMINISTRATOR, by=first)


def test_last_administrator_stays_active():
    first = UserFactory(roles=[Role.ADMINISTRATOR])
    first.is_active = False
    with pytest.raises(Refused):
        actions.save_user(first, by=first, changed=["is_active"])
    UserFactory(roles=[Role.ADMINISTRATOR])
    assert actions.save_user(first, by=first, changed=["is_active"]).is_active is False
    assert User.objects.get(pk=first.pk).is_active is False


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_take_the_role_from_each_other_at_once():
    people = [UserFactory(roles=[Role.ADMINISTRATOR]) for _ in range(2)]
    together, ends = threading.Barrier(2), []

    def take(user):
        together.wait()
        try:
            actions.revoke_role(user, Role.ADMINISTRATOR, by=None)
            ends.append("taken")
        except Refused:
            ends.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["refused", "taken"]
    assert RoleAssignment.objects.filter(role=Role.ADMINISTRATOR).count() == 1


def test_set_roles_gives_and_takes_and_refuses_as_a_whole():
    user = UserFactory(roles=[Role.ADMINISTRATOR, Role.EDITOR])
    with pytest.raises(Refused), transaction.atomic():
        actions.set_roles(user, [Role.MANAGER], by=user)
    assert User.objects.get(pk=user.pk).roles == {Role.ADMINISTRATOR, Role.EDITOR}
    actions.set_roles(user, [Role.ADMINISTRATOR, Role.MANAGER], by=user)
    assert User.objects.get(pk=user.pk).roles == {Role.ADMINISTRATOR, Role.MANAGER}


def test_inactive_person_holds_no_role():
    user = UserFactory(roles=[Role.ADMINISTRATOR])
    user.is_active = False
    user.save()
    assert User.objects.get(pk=user.pk).roles == frozenset()


def test_unknown_role_is_refused_by_the_database():
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleAssignment.objects.create(user=UserFactory(), role="emperor")


def test_welcome_makes_a_resident_once():
    user = UserFactory(name="", language="")
    first = actions.create_resident(user, name="सीता", language="ne")
    second = actions.create_resident(user, name="सीता", language="ne")
    assert first == second == Resident.objects.get()
    assert (first.name, first.language, first.email) == ("सीता", "ne", user.email)
    assert (user.name, user.language) == ("सीता", "ne")


def test_preferred_language_is_kept_for_the_user_and_the_resident():
    user = UserFactory(language="ne")
    actions.create_resident(user, name="x", language="ne")
    actions.prefer_language(user, "ar")
    assert User.objects.get(pk=user.pk).language == "ar"
    assert Resident.objects.get(user=user).language == "ar"


def test_nobody_in_particular_prefers_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert actions.prefer_language(AnonymousUser(), "ar") is None


def test_saved_user_has_a_small_address_and_no_password():
    user = actions.save_user(User(email="New@Example.ORG", name="New"), by=None, changed=["email"])
    assert (user.email, user.has_usable_password()) == ("new@example.org", False)
    assert told() == [("accounts.save_user", user.public_id, ["email"])]


def test_address_is_one_persons_whatever_its_capitals():
    UserFactory(email="sita@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("SITA@Example.org")
    assert User.objects.get_by_natural_key("SITA@example.org").email == "sita@example.org"


def test_resident_can_be_reached_somehow():
    with pytest.raises(IntegrityError), transaction.atomic():
        ResidentFactory(email="", phone="", user=None)
    assert ResidentFactory(email="", phone="03-0000-0000").pk is not None


def test_residents_are_visible_to_themselves_only():
    mine, other = UserFactory(), UserFactory(roles=list(Role))
    resident = actions.create_resident(mine, name="x", language="ne")
    ResidentFactory()
    assert list(Resident.objects.visible_to(mine)) == [resident]
    assert list(Resident.objects.visible_to(other)) == []
    assert list(Resident.objects.visible_to(AnonymousUser())) == []


def test_all_but_teachers_and_volunteers_need_a_second_factor():
    assert frozenset(Role) - NEED_SECOND_FACTOR == {Role.TEACHER, Role.VOLUNTEER}
