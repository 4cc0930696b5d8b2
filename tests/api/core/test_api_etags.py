"""Nobody overwrites a state that was not seen."""

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
    """``call(method, body, query, **headers)``: the view's answer about one group."""
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
    """What became of the group; those of the roles are others."""
    return {group.name for group in Group.objects.all()} & {"one", "two", "three", "bad"}


def test_a_change_needs_the_state_that_was_seen(call: Any) -> None:
    seen = call("get")["ETag"]
    changed = call("patch", {"name": "two"}, **{"If-Match": seen})
    assert changed.status_code == 200
    assert changed["ETag"] == call("get")["ETag"] != seen
    for method in ("patch", "put", "delete"):
        response = call(method, {"name": "three"}, **{"If-Match": seen})
        assert response.status_code == 412
    assert names() == {"two"}
    assert call("delete", **{"If-Match": f'"other", {changed["ETag"]}'}).status_code == 204
    assert not names()


def test_without_a_state_or_with_any_it_is_changed(call: Any) -> None:
    assert call("patch", {"name": "two"}).status_code == 200
    assert call("patch", {"name": "three"}, **{"If-Match": "*"}).status_code == 200


def test_fields_tell_answers_apart_but_not_states(call: Any) -> None:
    whole, part = call("get"), call("get", query="?fields=name")
    assert (set(whole.data), set(part.data)) == ({"id", "name"}, {"name"})
    assert whole["ETag"] != part["ETag"]
    assert call("get", **{"If-None-Match": part["ETag"]}).status_code == 200
    assert call("get", **{"If-None-Match": whole["ETag"]}).status_code == 304
    assert call("patch", {"name": "two"}, **{"If-Match": part["ETag"]}).status_code == 200
    assert call("get", query="?fields=name,secret").status_code == 400


def test_what_fails_is_undone(call: Any) -> None:
    assert call("patch", {"name": "bad"}).status_code == 400
    assert names() == {"one"}
