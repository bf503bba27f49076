"""The client programs of the guide, against an API that asks who they are."""

import json
from typing import Any

import pytest

from tests.integration.conftest import Api
from tests.issuer import Issuer
from tests.snippets.programs import LANGUAGES, printed, run

TASK = json.dumps({"kind": "rehearsal", "input": {"steps": 1}})


@pytest.mark.claim("identity.snippets")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_token_comes_from_the_environment_alone(
    guarded: Api, issuer: Issuer, hands: Any, language: str
) -> None:
    refused = run(language, "submit", TASK, DEMO_URL=guarded.url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "#unauthorized" in refused.stderr
    known = {"DEMO_URL": guarded.url, "TOKEN": issuer.token()}
    monitor = printed(language, "submit", TASK, **known).strip()
    assert json.loads(printed(language, "cancel", monitor, **known))["status"] == "canceled"
    assert json.loads(printed(language, "poll", monitor, **known))["status"] == "canceled"
    assert "end" in printed(language, "follow", monitor, **known)
