"""What the container and workflow files promise, as far as it shows without running them."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.contract import KINDS
from demo.settings import Settings, settings

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.claim("threat.e4")
def test_every_published_port_is_on_loopback() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_databases_are_on_an_internal_network_only() -> None:
    assert yaml.safe_load(COMPOSE)["networks"]["data"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert SERVICES[name]["networks"] == ["data"]
        assert "ports" not in SERVICES[name]


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.claim("threat.e6")
def test_no_service_has_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["postgres", "valkey", "api", "docs", "flower"])
def test_what_serves_has_a_health_check(name: str) -> None:
    assert "healthcheck" in SERVICES[name]


@pytest.mark.claim("threat.e3")
def test_no_secret_has_a_default_and_the_documented_command_makes_all(tmp_path: Path) -> None:
    wanted = {
        *re.findall(r"\$\{(\w+):\?", COMPOSE),
        *re.findall(r"environment: (\w+)\}", COMPOSE),
    }
    with_default = set(re.findall(r"\$\{(\w+):-", COMPOSE))
    assert not any(re.search("PASSWORD|_KEY|SECRET|TOKEN", name) for name in with_default)
    script = tmp_path / "demo" / "deploy" / "make-secrets"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "demo" / "deploy" / "make-secrets", script)
    subprocess.run([script], check=True, capture_output=True)
    made = tmp_path / ".env"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    lines = dict(line.split("=") for line in made.read_text().split())
    assert lines.keys() == wanted
    assert len(set(lines.values())) == len(lines)
    assert all(re.search("[0-9a-f]{48}", value) for value in lines.values())
    again = subprocess.run([script], check=False, capture_output=True)
    assert again.returncode != 0
    assert dict(line.split("=") for line in made.read_text().split()) == lines


def test_the_worker_takes_all_queues_and_has_time_to_let_go() -> None:
    worker = SERVICES["worker"]
    queues = worker["command"][worker["command"].index("-Q") + 1]
    assert set(queues.split(",")) == {kind.queue for kind in KINDS.values()}
    grace = Settings.model_fields["release_grace"].default
    assert int(worker["stop_grace_period"].removesuffix("s")) > grace


def test_each_process_gets_its_own_role() -> None:
    mounted = {
        name: {each["target"]: each["source"] for each in service["secrets"]}
        for name, service in SERVICES.items()
        if name in {"migrate", "api", "dispatcher", "worker", "flower"}
    }
    of_worker, of_owner = "worker_database_url", "owner_database_url"
    assert {name: each.get("demo_database_url") for name, each in mounted.items()} == {
        "migrate": of_owner, "api": "api_database_url", "dispatcher": of_worker,
        "worker": of_worker, "flower": None,
    }  # fmt: skip
    for name in ("api", "dispatcher", "worker", "flower"):
        assert mounted[name]["demo_redis_url"] == f"{name}_redis_url"


@pytest.mark.claim("threat.e3")
@pytest.mark.claim("security.secrets-by-file")
def test_what_is_secret_is_a_file_and_no_variable() -> None:
    variables = [
        name
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if re.search("PASSWORD|KEY|SECRET|TOKEN|_URL", name) and "${" in str(value)
    ]
    assert variables == []
    assert SERVICES["api"]["environment"]["DEMO_SECRETS"] == "/run/secrets"


def test_a_mounted_file_is_a_setting_and_a_variable_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo_wakeup_key").write_text("from a file\n")
    (tmp_path / "demo_redis_url").write_text("rediss://from-a-file")
    monkeypatch.setenv("DEMO_SECRETS", str(tmp_path))
    monkeypatch.setenv("DEMO_REDIS_URL", "rediss://variable")
    settings.cache_clear()
    try:
        assert settings().signing_key() == b"from a file"
        assert settings().redis_url.get_secret_value() == "rediss://variable"
    finally:
        settings.cache_clear()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.claim("threat.e6")
def test_actions_are_pinned_and_rights_minimal(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert (
                re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step.get("uses", "")) or "run" in step
            )
