"""Every knob with its reason, read from `DEMO_*` variables; the defaults run locally."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from demo.transport import is_protected

Seconds = Annotated[float, Field(gt=0)]


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _slots(value: object) -> object:
    pairs = value.split(",") if isinstance(value, str) and value else value
    return dict(pair.split("=") for pair in pairs) if isinstance(pairs, list) else pairs or {}


class Settings(BaseSettings):
    """One class for all processes; each reads what it needs."""

    model_config = SettingsConfigDict(env_prefix="DEMO_", secrets_dir=None, extra="ignore")

    host: str = Field("127.0.0.1", description="Address the API binds. Loopback needs no token.")
    port: int = Field(8001, ge=1, le=65535, description="Port of API, UI and guide.")
    data: Path = Field(
        Path(".demo"), description="Folder of the embedded servers, secrets and blobs."
    )
    processes: int = Field(1, ge=1, description="API processes that share the port.")
    published_on_loopback: bool = Field(
        False, description="A container says so when its port is published on loopback only."
    )
    allowed_hosts: Annotated[list[str], NoDecode, BeforeValidator(_split)] = Field(
        ["127.0.0.1", "localhost", "[::1]"], description="`Host` names served, comma separated."
    )
    docs_origin: str | None = Field(
        "http://127.0.0.1:8002", description="The one other origin that may call: `make docs`."
    )
    trusted_proxies: str = Field("", description="Addresses whose forwarded headers count.")

    issuers: Annotated[list[str], NoDecode, BeforeValidator(_split)] = Field(
        [], description="Whose tokens count, by their exact `iss`; the first signs people in."
    )
    audiences: Annotated[list[str], NoDecode, BeforeValidator(_split)] = Field(
        [], description="What tokens for this API carry as `aud`, comma separated."
    )
    scope: str = Field("access_as_user", description="What a person's token carries in `scp`.")
    tenant_claim: str = Field("tid", description="The claim that names the tenant.")
    client_id: str = Field("", description="The UI's own registration; empty: no sign-in there.")
    client_secret: SecretStr = Field(SecretStr(""), description="Of that registration, if any.")
    session_key: SecretStr = Field(
        SecretStr(""), description="Signs the cookies of people who signed in; the API's only."
    )
    keys_refresh: Seconds = Field(3600, description="An issuer's keys are read this often.")
    keys_pause: Seconds = Field(60, description="Shortest time between two looks for a new key.")
    revocation_poll: Seconds = Field(10, le=10, description="What was revoked is read this often.")

    site: Path = Field(Path("site"), description="Folder of the built guide, served at /guide/.")

    secrets: Path | None = Field(
        None, description="Folder of mounted secrets: files named as settings, `demo_redis_url`."
    )
    plain_data: bool = Field(
        False, description="Let PostgreSQL and broker be elsewhere without TLS: a private network."
    )
    database_url: SecretStr = Field(SecretStr(""), description="PostgreSQL URL of this process.")
    api_database_url: SecretStr | None = Field(
        None, description="For `migrate`: the API's URL, whose role gets its password."
    )
    worker_database_url: SecretStr | None = Field(
        None, description="For `migrate`: the worker's URL, whose role gets its password."
    )
    connections: int = Field(
        16, ge=1, description="Of an API process to PostgreSQL, for reading and submitting."
    )
    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"), description="Valkey or Redis ≥ 6.2."
    )
    api_redis_url: SecretStr | None = Field(
        None, description="For `up` with a broker of yours: the API's own login."
    )
    dispatcher_redis_url: SecretStr | None = Field(
        None, description="The same for the dispatcher; see `users.acl`."
    )
    worker_redis_url: SecretStr | None = Field(None, description="The same for the worker.")
    wakeup_key: SecretStr = Field(
        SecretStr(""), description="Signs wake-ups, so that a forged one is worth nothing."
    )

    tenant: str = Field("local", description="The tenant of open loopback.")
    retention_days: int = Field(7, ge=1, description="Final tasks are kept this long, then 410.")
    audit_days: int = Field(365, ge=90, description="Entries of the audit log are kept this long.")
    key_days: int = Field(1, ge=1, description="Keys are kept this long, at most the retention.")
    longest_wait: Seconds = Field(30, description="Bound of `Prefer: wait=N`.")
    open_tasks: int | None = Field(
        None, ge=1, description="Open tasks of a tenant at most; then 429. Unset: no limit."
    )
    submissions_a_minute: int | None = Field(
        None, ge=1, description="Submissions of a tenant in any 60 s; then 429. Unset: no limit."
    )
    most_queued: int | None = Field(
        None, ge=1, description="Queued tasks of all tenants; then 503. Unset: no limit."
    )
    body_limit: int = Field(65_536, ge=1024, description="Largest request body in bytes.")
    refusals_a_second: int = Field(
        50, ge=1, description="Refusals of a process that are recorded one by one; then a number."
    )
    traces_a_second: float = Field(
        50, gt=0, description="Requests of a process that are traced; the others only have an id."
    )

    blob_url: str = Field(
        "", description="`az://CONTAINER` or `s3://BUCKET`; empty: a folder below the data."
    )
    blob_http: bool = Field(False, description="Let the blob store be plain HTTP: an emulator.")
    upload_limit: int = Field(2 * 1024**3, ge=1, description="Largest upload in bytes.")
    upload_slots: int = Field(100, ge=1, description="Uploads a tenant may have at a time.")
    upload_seconds: Seconds = Field(86_400, description="An upload is kept this long.")
    upload_pause: Seconds = Field(30, description="A sender silent this long is cut off.")

    lease: Seconds = Field(30, description="A worker silent this long is presumed dead.")
    heartbeat: Seconds = Field(5, description="How often a lease is renewed; also cancel latency.")
    flush: Seconds = Field(0.25, description="Longest wait of a log line or progress.")
    cancel_grace: Seconds = Field(10, description="An unheeded cancel ends the process after this.")
    release_grace: Seconds = Field(20, description="After SIGTERM, time for works to let go.")
    stall_timeout: Seconds | None = Field(None, description="Overrides each kind's own.")
    crash_budget: int = Field(5, ge=0, description="Crashes without a new checkpoint, then failed.")
    concurrency: int = Field(4, ge=1, description="Slots of the embedded worker, for all queues.")
    prepare: bool = Field(True, description="Workers prepare statements; not behind a pooler.")
    reserved: Annotated[dict[str, int], NoDecode, BeforeValidator(_slots)] = Field(
        {}, description="Further embedded workers, each for one queue only: `web=1,rehearsal=2`."
    )
    tenant_cap: int | None = Field(
        None, ge=1, description="Tasks of one tenant that run at a time, at most."
    )

    poll: Seconds = Field(1, description="Dispatcher's poll when a wake-up was lost.")
    window: int = Field(32, ge=1, description="Hints waiting per queue at most.")
    backoff_first: Seconds = Field(5, description="First re-sending of an unclaimed hint; doubles.")
    backoff_last: Seconds = Field(60, description="Longest wait between two sendings.")

    keepalive: Seconds = Field(15, description="Comment on an idle stream; below every idle limit.")
    stream_age: Seconds = Field(3600, description="A stream is closed and resumed after this.")
    sweep: Seconds = Field(5, description="One query a process finds events of lost wake-ups.")
    linger: Seconds = Field(30, description="A channel outlives its last follower this long.")
    follower_queue: int = Field(256, ge=1, description="Newest events of a task in memory.")
    streams: int = Field(15_000, ge=1, description="Open streams of a process; beyond it 503.")
    tenant_streams: int | None = Field(
        None, ge=1, description="Open streams of a tenant in a process; beyond it 429."
    )
    drain: Seconds = Field(3, description="After SIGTERM, time for streams to end.")

    guide_url: str | None = Field(
        None, description="URL of the running guide: the one loopback address a scrape may read."
    )
    user_agent: str = Field(
        "long-running-operations-demo/0.1", description="Named to every host that is scraped."
    )
    fetch_timeout: Seconds = Field(10, description="Total time for one outbound request.")
    fetch_limit: int = Field(2_000_000, description="Largest outbound answer in bytes.")
    host_interval: Seconds = Field(1, description="Between two requests to one host.")
    guide_interval: Seconds = Field(0.1, description="The same for the demo's own guide.")
    tenant_hosts: int = Field(100, ge=1, description="Hosts that a tenant's tasks read in an hour.")
    breaker_failures: int = Field(5, ge=1, description="Failures in a row that open a breaker.")
    breaker_seconds: Seconds = Field(30, description="How long an open breaker refuses.")

    def signing_key(self) -> bytes:
        """The key of wake-ups.

        Raises:
            ValueError: it is empty, so that anyone could sign.
        """
        if key := self.wakeup_key.get_secret_value():
            return key.encode()
        raise ValueError("DEMO_WAKEUP_KEY is empty: give all processes the same secret")


# --8<-- [start:plain]
def refuse_plain(knobs: Settings) -> None:
    """Stop before a password is sent to whoever answers.

    Raises:
        SystemExit: a server is elsewhere, and its URL doesn't ask for TLS that verifies it.
    """
    for name, url in knobs:
        if not name.endswith(("database_url", "redis_url")) or not url or knobs.plain_data:
            continue
        if not is_protected(url.get_secret_value()):
            raise SystemExit(
                f"DEMO_{name.upper()} would send its password unprotected. Say rediss://, or "
                "sslmode=verify-full and sslrootcert; on a private network of your own, set "
                "DEMO_PLAIN_DATA=true."
            )


# --8<-- [end:plain]


@lru_cache
def settings() -> Settings:
    """The process's settings, read once; a variable goes before a mounted file."""
    knobs = Settings()
    if knobs.secrets:
        knobs = Settings(_secrets_dir=knobs.secrets)
    refuse_plain(knobs)
    return knobs
