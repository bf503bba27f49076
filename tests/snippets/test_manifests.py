"""The chart as it renders: valid, restricted, and in agreement with the demo's own settings."""

import importlib
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import kubernetes_validate
import pytest
import yaml

from demo.settings import Settings
from tests.stack import Stack

from .calculating import HOST, SIZING, called, sized
from .conftest import ROOT
from .programs import NODE

VERSIONS = ("1.35", "1.36", "1.37")
MODELS = ("keda.sh", "gateway.networking.k8s.io")
KNOWN = {  # what KEDA 2.20 and the Secrets Store CSI driver 1.5 know of the fields used here
    "ScaledObject": {
        "scaleTargetRef", "pollingInterval", "cooldownPeriod", "minReplicaCount",
        "maxReplicaCount", "fallback", "advanced", "triggers",
    },
    "TriggerAuthentication": {"podIdentity", "secretTargetRef", "env"},
    "HTTPRoute": {"parentRefs", "hostnames", "rules"},
    "SecretProviderClass": {"provider", "parameters", "secretObjects"},
}  # fmt: skip
LONG = {"hourly": 20, "takes": 2400, "within": 1200}
ASKED: dict[str, dict[str, Any]] = {
    "reports": {},
    "imports": {"name": "imports", "hourly": 600, "takes": 300, "within": 60, "slots": 2},
    "scraping": {"name": "scraping", "hourly": 180000, "takes": 10, "within": 1, "slots": 8},
    "spot": {**LONG, "spot": 0.5},
    "zones": {**LONG, "zones": 3},
    "redis": {**LONG, "signal": "redis"},
    "patient": {**LONG, "grace": 500},
    "training": {"name": "model_training", "hourly": 2, "takes": 3600, "within": 3600, "cpu": 4},
    "bursts": {**LONG, "bursts": 9, "p95": 6000},
    "streams": {**LONG, "hourly": 9000, "watchers": 20},
}
OTHERS: dict[str, dict[str, Any]] = {
    "no policies": {"network": {"policies": False}},
    "no route": {"gateway": {"name": ""}},
    "sign-in": {"identity": {"clientId": "00000000-0000-0000-0000-000000000009"}},
    "no vault": {"keyVault": {"name": ""}},
    "the defaults": {"workers": {}},
}
KIND = ROOT / "demo" / "deploy" / "kind"
OTHERS["kind"] = yaml.safe_load((KIND / "values.yaml").read_text("utf-8")) | {
    "keyVault": {"name": ""}
}
THREE = ("reports", "imports", "scraping")
SETS = [*ASKED, *OTHERS, "three kinds"]
Rendered = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def manifests() -> Iterator[ModuleType]:
    """The program as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SIZING)
        yield importlib.import_module("manifests")
    del sys.modules["manifests"]


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((SIZING / "values" / "example.yaml").read_text("utf-8"))
    return values


@pytest.fixture(scope="module")
def charts(manifests: ModuleType, example: dict[str, Any]) -> Rendered:
    """All documents of each set of values; ten of the sets are the calculator's own."""
    (three,) = called(["several", [ASKED[name] for name in THREE], HOST])
    parts = {
        name: yaml.safe_load(sized(**ask)["files"]["values.yaml"]) for name, ask in ASKED.items()
    }
    parts |= OTHERS | {"three kinds": yaml.safe_load(three["values"])}
    whole = [manifests.merged(example, part) for part in parts.values()]
    for values in whole:
        if values.get("scaling", {}).get("signal") == "redis":
            values["scaling"]["redis"] = {"host": "example.redis.azure.net"}
    found = manifests.rendered(*whole)
    return {
        name: [
            document
            for file, text in texts.items()
            if file.endswith(".yaml")
            for document in yaml.safe_load_all(text)
            if document
        ]
        for name, texts in zip(parts, found, strict=True)
    }


def of(documents: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def pods(documents: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each pod by its owner's name, and its one container."""
    for kind in ("Deployment", "Job"):
        for name, owner in of(documents, kind).items():
            pod = owner["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            yield name, pod, container


@pytest.mark.claim("sizing.manifests")
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(charts: Rendered, version: str) -> None:
    assert len(charts) >= 12
    for documents in charts.values():
        checked = [d for d in documents if d["kind"] not in KNOWN]
        assert len(checked) >= 12
        for document in checked:
            kubernetes_validate.validate(document, version, strict=True)


def test_the_servers_of_the_throw_away_cluster_are_valid() -> None:
    for document in yaml.safe_load_all((KIND / "servers.yaml").read_text("utf-8")):
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)


def modelled(documents: list[dict[str, Any]]) -> list[str | None]:
    """What the models generated from the types of KEDA and the Gateway API say."""
    runs = [NODE, str(ROOT / "tests/snippets/models.mjs"), str(ROOT / "build/npm/node_modules")]
    told = json.dumps(documents)
    done = subprocess.run(runs, input=told, capture_output=True, text=True, check=True)
    found: list[str | None] = json.loads(done.stdout)
    return found


@pytest.mark.claim("sizing.manifests")
def test_keda_and_the_gateway_know_every_field(charts: Rendered) -> None:
    everything = [document for documents in charts.values() for document in documents]
    typed = [d for d in everything if d["apiVersion"].split("/")[0] in MODELS]
    assert len(typed) > 3 * len(charts)
    assert modelled(typed) == [None] * len(typed)
    for document in everything:
        known = KNOWN.get(document["kind"])
        assert known is None or set(document["spec"]) <= known


def test_the_models_see_a_wrong_document(charts: Rendered) -> None:
    wrong = json.loads(json.dumps(of(charts["reports"], "ScaledObject")["worker-reports"]))
    wrong["spec"]["minReplicaCount"] = "many"
    assert "minReplicaCount must be integer" in str(modelled([wrong])[0])


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"image": {"digest": "latest"}}, "digest"),
        ({"identity": {"issuers": []}}, "issuers"),
        ({"host": "https://x"}, "host"),
        ({"workers": {"a": {"queue": "a"}}}, "concurrency"),
        ({"wokers": {}}, "wokers"),
        ({"workers": {"a_b": None}}, "a_b"),
    ],
)
def test_wrong_values_are_refused_by_name(
    manifests: ModuleType, example: dict[str, Any], part: dict[str, Any], says: str
) -> None:
    with pytest.raises(manifests.Refused, match=says):
        manifests.rendered(manifests.merged(example, part))


def test_an_install_without_values_says_what_is_missing(manifests: ModuleType) -> None:
    with pytest.raises(manifests.Refused, match="repository"):
        manifests.rendered({})


def test_the_guide_shows_what_the_chart_renders(
    manifests: ModuleType, example: dict[str, Any]
) -> None:
    (texts,) = manifests.rendered(manifests.merged(example))
    shown = {path.name: path.read_text("utf-8") for path in manifests.SAMPLE.iterdir()}
    assert shown == {
        name: text.strip() + "\n" for name, text in texts.items() if name.endswith(".yaml")
    }


@pytest.mark.claim("sizing.calculator-files")
@pytest.mark.parametrize("name", ASKED)
def test_the_calculators_files_are_the_charts(charts: Rendered, name: str) -> None:
    written = {n: yaml.safe_load(t) for n, t in sized(**ASKED[name])["files"].items()}
    queue = ASKED[name].get("name", "reports").replace("_", "-")
    pairs = (
        ("scaledobject.yaml", of(charts[name], "ScaledObject")[f"worker-{queue}"]),
        ("hpa.yaml", of(charts[name], "HorizontalPodAutoscaler")["api"]),
        ("pdb.yaml", of(charts[name], "PodDisruptionBudget")[f"worker-{queue}"]),
    )
    for file, rendered in pairs:
        assert written[file]["spec"] == rendered["spec"]
        assert written[file]["metadata"]["name"] == rendered["metadata"]["name"]


def test_the_calculator_knows_what_the_other_parts_ask_for(charts: Rendered) -> None:
    asked = {
        name: container["resources"]["requests"]["cpu"]
        for name, _, container in pods(charts["the defaults"])
    }
    source = (SIZING / "plan.mjs").read_text("utf-8")
    assert "[API_CPU, DISPATCHER_CPU] = [1, 0.25]" in source
    assert (asked["api"], asked["dispatcher"]) == ("1", "250m")


def test_the_example_is_the_calculators_reports(example: dict[str, Any]) -> None:
    (written,) = yaml.safe_load(sized()["files"]["values.yaml"])["workers"].values()
    assert example["workers"]["reports"] == written


@pytest.mark.parametrize("name", SETS)
def test_scalers_and_budgets_point_at_what_there_is(charts: Rendered, name: str) -> None:
    documents = charts[name]
    deployments = of(documents, "Deployment")
    for scaled in of(documents, "ScaledObject").values():
        target = deployments[scaled["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"], "the autoscaler owns the number"
        assert scaled["spec"]["minReplicaCount"] <= scaled["spec"]["maxReplicaCount"]
    for budget in of(documents, "PodDisruptionBudget").values():
        wanted = budget["spec"]["selector"]["matchLabels"].items()
        labels = [d["spec"]["template"]["metadata"]["labels"] for d in deployments.values()]
        assert sum(wanted <= found.items() for found in labels) == 1
        assert budget["spec"]["maxUnavailable"] not in (0, "0%")


@pytest.mark.claim("sizing.ladder")
@pytest.mark.parametrize("name", SETS)
def test_each_timer_fits_into_the_next(charts: Rendered, name: str) -> None:
    for owner, pod, container in pods(charts[name]):
        if not owner.startswith("worker-"):
            continue
        variables = {e["name"]: e.get("value") for e in container["env"]}
        knobs = Settings(release_grace=float(str(variables["DEMO_RELEASE_GRACE"])))
        assert knobs.heartbeat * 3 <= knobs.lease
        grace = pod["terminationGracePeriodSeconds"]
        assert knobs.release_grace + 15 <= grace
        assert grace <= 600, "the cluster autoscaler's max-graceful-termination-sec"
        if "nodeSelector" in pod:
            assert grace <= 30, "the notice of a Spot node"
    assert Settings().drain < Settings().keepalive < 60, "the shortest idle time-out on the way"


@pytest.mark.claim("sizing.slots-said")
@pytest.mark.parametrize("name", SETS)
def test_slots_are_said_and_the_signal_divides_by_them(charts: Rendered, name: str) -> None:
    scaled = of(charts[name], "ScaledObject")
    for owner, _, container in pods(charts[name]):
        if owner.startswith("worker-"):
            (said,) = (word for word in container["args"] if word.startswith("--concurrency="))
            (trigger,) = scaled[owner]["spec"]["triggers"]
            divides = {"postgresql": "targetQueryValue", "redis": "listLength"}[trigger["type"]]
            assert said == f"--concurrency={trigger['metadata'][divides]}"


@pytest.mark.claim("sizing.spot-above-floor")
def test_spot_takes_only_what_is_above_the_floor(charts: Rendered) -> None:
    scaled = of(charts["spot"], "ScaledObject")
    regular, spot = scaled["worker-reports"]["spec"], scaled["worker-reports-spot"]["spec"]
    assert regular["minReplicaCount"] == regular["maxReplicaCount"] == 14
    assert spot["minReplicaCount"] == 0
    window = spot["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert spot["cooldownPeriod"] >= window["stabilizationWindowSeconds"]
    assert "cooldownPeriod" not in regular, "it has a floor"
    assert "- 14, 0)" in spot["triggers"][0]["metadata"]["query"]


@pytest.mark.parametrize("name", SETS)
def test_memory_is_bounded_and_cpu_is_not_throttled(charts: Rendered, name: str) -> None:
    for _, _, container in pods(charts[name]):
        resources = container["resources"]
        assert resources["limits"] == {"memory": resources["requests"]["memory"]}
        assert "cpu" in resources["requests"]


@pytest.mark.claim("security.restricted")
@pytest.mark.parametrize("name", SETS)
def test_pods_meet_the_restricted_standard(charts: Rendered, name: str) -> None:
    allowed = {"configMap", "downwardAPI", "emptyDir", "projected", "secret", "csi", "ephemeral"}
    for _, pod, container in pods(charts[name]):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {key for v in pod["volumes"] for key in v} - {"name"} <= allowed
        assert "@sha256:" in container["image"]


@pytest.mark.claim("security.vault-files")
def test_each_part_has_an_identity_and_secrets_of_its_own(charts: Rendered) -> None:
    documents = charts["reports"]
    accounts, vaults = of(documents, "ServiceAccount"), of(documents, "SecretProviderClass")
    clients = [
        a["metadata"]["annotations"]["azure.workload.identity/client-id"] for a in accounts.values()
    ]
    assert len(set(clients)) == 4
    for _, pod, container in pods(documents):
        part = pod["serviceAccountName"]
        (volume,) = (v["csi"] for v in pod["volumes"] if "csi" in v)
        assert volume["volumeAttributes"] == {"secretProviderClass": part}
        parameters = vaults[part]["spec"]["parameters"]
        told = accounts[part]["metadata"]["annotations"]["azure.workload.identity/client-id"]
        assert parameters["clientID"] == told
        objects = yaml.safe_load(parameters["objects"])["array"]
        names = {yaml.safe_load(o)["objectAlias"] for o in objects}
        fields = {f"demo_{field}" for field in Settings.model_fields}
        assert names <= fields, "a secret is a setting's file"
        (mount,) = (m for m in container["volumeMounts"] if m["name"] == "secrets")
        assert {"name": "DEMO_SECRETS", "value": mount["mountPath"]} in container["env"]
        assert "subPath" not in mount, "it would never be rotated"


def test_without_a_vault_the_parts_read_secrets_of_their_own(charts: Rendered) -> None:
    documents = charts["no vault"]
    assert of(documents, "SecretProviderClass") == {}
    for _, pod, _ in pods(documents):
        (volume,) = (v["secret"] for v in pod["volumes"] if "secret" in v)
        assert volume["secretName"] == pod["serviceAccountName"]


def test_the_schema_is_there_before_the_code(charts: Rendered) -> None:
    (job,) = of(charts["reports"], "Job").values()
    hooks = [
        job,
        *(
            of(charts["reports"], kind)["migrate"]
            for kind in ("ServiceAccount", "SecretProviderClass")
        ),
    ]
    weights = [int(hook["metadata"]["annotations"]["helm.sh/hook-weight"]) for hook in hooks]
    assert weights[0] > max(weights[1:]), "what the job needs is there before it"
    assert {hook["metadata"]["annotations"]["helm.sh/hook"] for hook in hooks} == {
        "pre-install,pre-upgrade"
    }


@pytest.mark.claim("sizing.probes")
def test_a_dead_broker_takes_no_api_pod_out_of_rotation(charts: Rendered, stack: Stack) -> None:
    (container,) = (c for name, _, c in pods(charts["reports"]) if name == "api")
    probes = [container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe")]
    headers = {h["name"]: h["value"] for probe in probes for h in probe["httpHeaders"]}
    stack.valkey.kill()
    try:
        for probe in probes:
            assert stack.client.get(probe["path"], headers=headers).status_code == 200
    finally:
        stack.valkey.start()


def test_the_api_ends_within_its_grace_period(charts: Rendered) -> None:
    ((_, pod, container),) = (found for found in pods(charts["reports"]) if found[0] == "api")
    sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep + Settings().drain + 2 < pod["terminationGracePeriodSeconds"]


@pytest.mark.claim("security.default-deny")
def test_nothing_is_open_that_no_policy_names(charts: Rendered) -> None:
    policies = {n: d["spec"] for n, d in of(charts["the defaults"], "NetworkPolicy").items()}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    outside = {name for name, spec in policies.items() if "0.0.0.0/0" in str(spec)}
    assert outside == {"web-egress", "api-to-issuer"}
    for name in outside:
        (block,) = (to["ipBlock"] for to in policies[name]["egress"][0]["to"])
        assert {"169.254.0.0/16", "168.63.129.16/32", "10.0.0.0/8", "127.0.0.0/8"} <= set(
            block["except"]
        )
    reach = policies["web-egress"]["podSelector"]["matchLabels"]
    owners = of(charts["the defaults"], "Deployment").items()
    labels = {n: d["spec"]["template"]["metadata"]["labels"] for n, d in owners}
    assert [n for n, found in labels.items() if reach.items() <= found.items()] == ["worker-web"]


@pytest.mark.parametrize("name", SETS)
def test_no_secret_is_typed_into_a_manifest(charts: Rendered, name: str) -> None:
    for _, _, container in pods(charts[name]):
        said = {variable["name"] for variable in container.get("env", ())}
        secret = {
            f"DEMO_{n.upper()}" for n, f in Settings.model_fields.items() if "Secret" in str(f)
        }
        assert not said & secret
    assert of(charts[name], "Secret") == {}


@pytest.mark.claim("security.tls-scaler")
@pytest.mark.parametrize("name", SETS)
def test_the_scaler_verifies_whom_it_asks(charts: Rendered, name: str) -> None:
    for scaled in of(charts[name], "ScaledObject").values():
        (trigger,) = scaled["spec"]["triggers"]
        if trigger["type"] == "postgresql":
            assert trigger["metadata"]["sslmode"] == "verify-full"
        else:
            assert trigger["metadata"]["enableTLS"] == "true"
            assert "unsafeSsl" not in trigger["metadata"]


def test_the_api_believes_the_gateway_and_nobody_else(charts: Rendered) -> None:
    (container,) = (c for name, _, c in pods(charts["reports"]) if name == "api")
    variables = {e["name"]: e.get("value") for e in container["env"]}
    assert variables["DEMO_TRUSTED_PROXIES"] == "10.244.0.0/16"
    policy = of(charts["reports"], "NetworkPolicy")["api-from-gateway"]["spec"]
    assert [list(peer) for peer in policy["ingress"][0]["from"]] == [["namespaceSelector"]]


def test_the_streams_route_has_no_time_out(charts: Rendered) -> None:
    (route,) = of(charts["reports"], "HTTPRoute").values()
    streams, rest = route["spec"]["rules"]
    assert streams["timeouts"] == {"request": "0s"}
    assert float(rest["timeouts"]["request"].rstrip("s")) > Settings().longest_wait
    assert of(charts["no route"], "HTTPRoute") == {}


def test_bounds_come_from_the_plan(charts: Rendered) -> None:
    found = sized()
    spec = of(charts["reports"], "ScaledObject")["worker-reports"]["spec"]
    assert spec["minReplicaCount"] == math.ceil(found["busy"])
    assert spec["fallback"]["replicas"] == found["pods"]
