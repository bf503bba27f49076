"""What a verified token says of tenant and roles."""

from typing import Any

import pytest

from demo.auth import Unauthorized
from demo.auth.tokens import principal
from demo.settings import Settings

ONE, TWO = "https://login.test/tenant-1/v2.0", "https://login.test/tenant-2/v2.0"
CLAIMS = {"iss": ONE, "tid": "tenant-1", "oid": "o", "sub": "s", "roles": ["user"], "iat": 1,
          "exp": 2}  # fmt: skip


@pytest.mark.claim("identity.own-tenant-only")
def test_an_issuer_speaks_for_its_own_tenant_only() -> None:
    both = Settings(issuers=[ONE, TWO])
    assert principal(CLAIMS, both).tenant == "tenant-1"
    for wrong in ({"iss": TWO}, {"tid": "tenant-2"}, {"tid": "v2.0/x"}, {"tid": ""}):
        with pytest.raises(Unauthorized):
            principal({**CLAIMS, **wrong}, both)


@pytest.mark.parametrize(
    ("roles", "held"),
    [
        (["user"], {"user"}),
        (["operator"], {"user", "operator"}),
        (["admin", "User", "public"], set()),
        ("operator", set()),
        ({"operator": 1}, set()),
        (None, set()),
    ],
)
def test_roles_are_the_known_words_of_a_list(roles: Any, held: set[str]) -> None:
    assert principal({**CLAIMS, "roles": roles}, Settings(issuers=[ONE])).roles == held


def test_a_person_is_named_by_the_object_id() -> None:
    one = principal({**CLAIMS, "upn": "x", "email": "y"}, Settings(issuers=[ONE]))
    assert one.subject == "o"
