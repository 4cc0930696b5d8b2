"""ETags: 304 for unchanged resources, 412 for changes based on an old state."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.test import APIRequestFactory, force_authenticate

from creativefilter.api.core.etags import Etagged
from creativefilter.api.core.sparse_fields import SparseFields

pytestmark = pytest.mark.django_db


class GroupSerializer(SparseFields, serializers.ModelSerializer[Group]):
    class Meta:
        model = Group
        fields = ("id", "name")


class GroupView(Etagged, generics.RetrieveUpdateDestroyAPIView[Group]):
    queryset = Group.objects.all()
    serializer_class = GroupSerializer
    permission_classes = [AllowAny]

    def perform_update(self, serializer: Any) -> None:
        serializer.save()
        if serializer.validated_data["name"] == "bad":
            raise serializers.ValidationError("after it was written")


@pytest.fixture
def call() -> Any:
    """``call(method, body, query, **headers)`` returns the response of a view of one group."""
    group = Group.objects.create(name="one")
    user = User.objects.create_user("somebody")

    def answer(method: str, body: Any = None, query: str = "", **headers: str) -> Any:
        request = getattr(APIRequestFactory(), method)(
            f"/x{query}", body, format="json", headers=headers
        )
        force_authenticate(request, user)
        response = GroupView.as_view()(request, pk=group.pk)
        return response.render() if hasattr(response, "render") else response

    return answer


def names() -> set[str]:
    """Return the names of the groups of this test, without those of roles."""
    return {group.name for group in Group.objects.all()} & {"one", "two", "three", "bad"}


def test_a_change_of_an_old_state_is_refused(call: Any) -> None:
    old_tag = call("get")["ETag"]
    changed = call("patch", {"name": "two"}, **{"If-Match": old_tag})
    assert changed.status_code == 200
    assert changed["ETag"] == call("get")["ETag"] != old_tag
    for method in ("patch", "put", "delete"):
        response = call(method, {"name": "three"}, **{"If-Match": old_tag})
        assert response.status_code == 412
    assert names() == {"two"}
    assert call("delete", **{"If-Match": f'"other", {changed["ETag"]}'}).status_code == 204
    assert not names()


def test_if_match_is_optional_and_may_be_a_star(call: Any) -> None:
    assert call("patch", {"name": "two"}).status_code == 200
    assert call("patch", {"name": "three"}, **{"If-Match": "*"}).status_code == 200


def test_sparse_fields_change_the_etag_but_if_match_still_accepts_it(call: Any) -> None:
    whole, part = call("get"), call("get", query="?fields=name")
    assert (set(whole.data), set(part.data)) == ({"id", "name"}, {"name"})
    assert whole["ETag"] != part["ETag"]
    assert call("get", **{"If-None-Match": part["ETag"]}).status_code == 200
    assert call("get", **{"If-None-Match": whole["ETag"]}).status_code == 304
    assert call("patch", {"name": "two"}, **{"If-Match": part["ETag"]}).status_code == 200
    assert call("get", query="?fields=name,secret").status_code == 400


def test_every_value_of_a_repeated_parameter_counts(call: Any) -> None:
    both, one = call("get", query="?fields=id&fields=name"), call("get", query="?fields=name")
    assert (set(both.data), set(one.data)) == ({"id", "name"}, {"name"})
    assert both["ETag"] != one["ETag"]


def test_a_failed_change_is_rolled_back(call: Any) -> None:
    assert call("patch", {"name": "bad"}).status_code == 400
    assert names() == {"one"}
