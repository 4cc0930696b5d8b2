"""The groups of roles have the permissions in ``PERMISSIONS``, also after manual changes."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User

from creativefilter.accounts.roles import PERMISSIONS, Role, assign, role_of, synchronise

pytestmark = pytest.mark.django_db


def permissions_of(name: str) -> set[str]:
    rows = Permission.objects.filter(group__name=name)
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def fresh(user: User) -> User:
    """Return the user without cached permissions."""
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("role", Role)
def test_after_migrating_every_role_has_its_permissions(role: Role) -> None:
    assert permissions_of(role) == set(PERMISSIONS[role])


@pytest.mark.parametrize("role", Role)
def test_every_permission_of_a_role_is_listed_once(role: Role) -> None:
    assert len(PERMISSIONS[role]) == len(set(PERMISSIONS[role]))


def test_a_higher_role_has_all_permissions_of_a_lower_one() -> None:
    viewer, analyst, lead = (set(PERMISSIONS[role]) for role in Role)
    assert viewer < analyst < lead


def test_manual_changes_are_reverted_and_other_groups_stay() -> None:
    press_office = Group.objects.create(name="press office")
    press_office.permissions.set(Permission.objects.filter(codename="view_creative"))
    Group.objects.get(name=Role.LEAD).delete()
    viewer = Group.objects.get(name=Role.VIEWER)
    viewer.permissions.set(Permission.objects.filter(codename="delete_creative"))
    synchronise()
    for role in Role:
        assert permissions_of(role) == set(PERMISSIONS[role])
    assert permissions_of("press office") == {"creatives.view_creative"}


def test_nothing_is_written_if_nothing_has_changed(django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(6) as queries:
        synchronise()
    words = {query["sql"].split()[0] for query in queries.captured_queries}
    assert not words & {"INSERT", "UPDATE", "DELETE"}


def test_a_role_gives_access_and_replaces_other_roles() -> None:
    user = User.objects.create_user("mary")
    press_office = Group.objects.create(name="press office")
    user.groups.add(press_office)
    assign(user, Role.VIEWER)
    assign(user, Role.ANALYST)
    assert role_of(fresh(user)) == Role.ANALYST
    assert set(fresh(user).groups.values_list("name", flat=True)) == {"analyst", "press office"}
    assert fresh(user).is_staff
    assert fresh(user).has_perm("creatives.add_creative")
    assert not fresh(user).has_perm("creatives.delete_creative")
    assign(user, None)
    assert not fresh(user).is_staff
    assert role_of(fresh(user)) is None
    assert list(fresh(user).groups.all()) == [press_office]


def test_a_superuser_without_a_role_keeps_access() -> None:
    user = User.objects.create_superuser("root")
    assign(user, Role.LEAD)
    assign(user, None)
    assert fresh(user).is_staff
