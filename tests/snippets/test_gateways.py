"""The gateways' settings that the guide prints: valid where a schema can be had, or consistent."""

import copy
import json
import subprocess
import xml.etree.ElementTree as xml
from typing import Any

import kubernetes_validate
import pytest
import yaml

from demo.settings import Settings
from site_src._tools.fetch import INSTALL, current, install
from tests.stack import ROOT

from .conftest import SNIPPETS
from .programs import NODE

FOLDER = SNIPPETS / "gateways"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


def told(checked: list[dict[str, Any]]) -> str:
    """What the published schema of the Gateway API says."""
    if not current():
        install()
    command = [str(NODE), str(ROOT / "tests" / "gateway_api.mjs"), str(INSTALL / "node_modules")]
    done = subprocess.run(
        command, input=json.dumps(checked), capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@pytest.mark.claim("gateways.valid")
def test_gateway_and_route_are_valid() -> None:
    checked = documents("httproute.yaml")
    assert told(checked) == "checked\n"
    wrong = copy.deepcopy(checked)
    wrong[1]["spec"]["rules"][0]["timeouts"]["request"] = "none"
    wrong[0]["spec"]["listeners"][0]["port"] = "https"
    assert [line.split()[0] for line in told(wrong).splitlines()] == [
        "Gateway",
        "HTTPRoute",
        "checked",
    ]


@pytest.mark.claim("gateways.valid")
def test_the_service_is_valid() -> None:
    (service,) = documents("loadbalancer.yaml")
    kubernetes_validate.validate(service, "1.36", strict=True)


@pytest.mark.claim("gateways.pace")
def test_no_limit_of_silence_is_below_the_comments() -> None:
    keepalive = Settings.model_fields["keepalive"].default
    (service,) = documents("loadbalancer.yaml")
    (minutes,) = service["metadata"]["annotations"].values()
    gateway = json.loads((FOLDER / "application-gateway.json").read_text())["properties"]
    (backend,) = gateway["backendHttpSettingsCollection"]
    limits = [60 * int(minutes), backend["properties"]["requestTimeout"]]
    assert all(limit >= 4 * keepalive for limit in limits)
    assert gateway["globalConfiguration"]["enableResponseBuffering"] is False
    policy = xml.parse(FOLDER / "api-management.xml").find("./backend/forward-request")
    assert policy is not None
    assert policy.get("buffer-response") == "false"
