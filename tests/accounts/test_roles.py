"""Roles are groups that say what the table says, whatever was done to them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User

from creativefilter.accounts.roles import PERMISSIONS, Role, give, role_of, synchronise

pytestmark = pytest.mark.django_db


def carried(name: str) -> set[str]:
    rows = Permission.objects.filter(group__name=name)
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def fresh(user: User) -> User:
    """Without what was remembered of its permissions."""
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("role", Role)
def test_after_migrating_every_role_carries_its_permissions(role: Role) -> None:
    assert carried(role) == set(PERMISSIONS[role])


def test_a_higher_role_may_all_that_a_lower_one_may() -> None:
    viewer, analyst, lead = (set(PERMISSIONS[role]) for role in Role)
    assert viewer < analyst < lead


def test_what_was_changed_by_hand_is_put_right_and_other_groups_stay() -> None:
    theirs = Group.objects.create(name="press office")
    theirs.permissions.set(Permission.objects.filter(codename="view_creative"))
    Group.objects.get(name=Role.LEAD).delete()
    viewer = Group.objects.get(name=Role.VIEWER)
    viewer.permissions.set(Permission.objects.filter(codename="delete_creative"))
    synchronise()
    for role in Role:
        assert carried(role) == set(PERMISSIONS[role])
    assert carried("press office") == {"creatives.view_creative"}


def test_nothing_is_written_where_all_is_right(django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(6) as seen:
        synchronise()
    words = {query["sql"].split()[0] for query in seen.captured_queries}
    assert not words & {"INSERT", "UPDATE", "DELETE"}


def test_a_role_opens_the_pages_and_is_the_only_one() -> None:
    user = User.objects.create_user("mary")
    theirs = Group.objects.create(name="press office")
    user.groups.add(theirs)
    give(user, Role.VIEWER)
    give(user, Role.ANALYST)
    assert role_of(fresh(user)) == Role.ANALYST
    assert set(fresh(user).groups.values_list("name", flat=True)) == {"analyst", "press office"}
    assert fresh(user).is_staff
    assert fresh(user).has_perm("creatives.add_creative")
    assert not fresh(user).has_perm("creatives.delete_creative")
    give(user, None)
    assert not fresh(user).is_staff
    assert role_of(fresh(user)) is None
    assert list(fresh(user).groups.all()) == [theirs]


def test_a_superuser_without_a_role_still_enters() -> None:
    user = User.objects.create_superuser("root")
    give(user, Role.LEAD)
    give(user, None)
    assert fresh(user).is_staff
