"""Change lists accept only the lookups of their declared filters."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from creativefilter.accounts.roles import Role, assign
from creativefilter.creatives.models import Creative, DecisionSettings
from creativefilter.spend.models import Advertisement
from creativefilter.ui.model_admin import ModelAdmin

pytestmark = pytest.mark.django_db
# The change list of advertisements is a page of its own with its own parameters.
LISTS = sorted(
    # Advertisement has several pages; the page of DecisionSettings is a form and reads no query.
    (model for model in admin.site._registry if model not in (Advertisement, DecisionSettings)),
    key=lambda model: model._meta.label,
)
FORBIDDEN = (
    "auth_token_set__digest__startswith=a",
    "name__regex=^(a%2B)%2B$",
    "pk__gt=0",
    "password__startswith=pbkdf2",
    "owner__password__startswith=pbkdf2",
    "nothing=1",
)


def list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.fixture
def root() -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_every_model_admin_derives_from_the_base_class() -> None:
    assert [one for one in admin.site._registry.values() if not isinstance(one, ModelAdmin)] == []


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
def test_lists_refuse_lookups_that_they_do_not_declare(model: Any, root: Client) -> None:
    assert root.get(list_of(model)).status_code == 200
    for query in FORBIDDEN:
        assert root.get(f"{list_of(model)}?{query}").status_code == 400, query


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
def test_all_links_of_filters_and_orders_work(model: Any, root: Client) -> None:
    """Request every choice of every filter, as the page links to it, and several orders."""
    page = root.get(list_of(model))
    changelist = page.context["cl"]
    queries = ["?q=x", "?o=1", "?o=-1", "?p=2", "?all=", "?o=1.-2&q=x&p=1", "?_facets=True"]
    for spec in changelist.filter_specs:
        queries += [
            choice["query_string"]
            for choice in spec.choices(changelist)
            if "query_string" in choice
        ]
    for query in queries:
        # Django redirects from a page number that does not exist to the list with e=1.
        right = (200, 302) if query == "?p=2" else (200,)
        assert root.get(f"{list_of(model)}{query}").status_code in right, query


def test_a_viewer_can_not_block_the_process_with_a_regular_expression() -> None:
    user = User.objects.create_user("viewer")
    assign(user, Role.VIEWER)
    Creative.objects.create(name="a" * 27 + "!")
    client = Client()
    client.force_login(user)
    started = time.process_time()
    answer = client.get("/admin/creatives/creative/?name__regex=^(a%2B)%2B$")
    assert answer.status_code == 400
    assert time.process_time() - started < 2


def test_a_lead_can_not_guess_the_digest_of_a_token_letter_by_letter() -> None:
    user = User.objects.create_user("lead")
    assign(user, Role.LEAD)
    client = Client()
    client.force_login(user)
    address = "/admin/auth/user/?auth_token_set__digest__startswith=a"
    assert client.get(address).status_code == 400


def test_the_page_that_labels_a_list_refuses_undeclared_lookups(root: Client) -> None:
    address = reverse("admin:creatives_creative_relabel")
    answer = root.get(address, {"list": "name__regex=^(a+)+$"})
    assert (answer.status_code, answer["Location"]) == (302, list_of(Creative))
    assert root.get(address, {"list": "state__exact=done&reviewed=no&q=x"}).status_code == 200
