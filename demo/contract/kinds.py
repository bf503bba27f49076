"""The kinds of task the demo ships, and what each accepts."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AnyHttpUrl,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    field_validator,
)

URL_LENGTH = 2000
PRIORITY = 5
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class _Strict(BaseModel):
    """As the published schema says: `false` is no 0, `"5"` is no 5, but 5.0 is."""

    model_config = ConfigDict(extra="forbid", strict=True)


def whole(value: object) -> object:
    """JSON knows one sort of number: 5.0 is a 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Input(_Strict):
    _numbers = field_validator("*", mode="before")(whole)


def _short(url: object) -> object:
    """What was sent is measured; a parsed URL may be longer by a slash."""
    if isinstance(url, str) and len(url) > URL_LENGTH:
        raise ValueError(f"at most {URL_LENGTH} characters")
    return url


def _moment(text: object) -> object:
    """RFC 3339, which is narrower than what pydantic reads; in UTC, whose years are four digits."""
    if not isinstance(text, str) or not RFC_3339.fullmatch(text):
        raise ValueError("a date and time with its offset, as 2026-11-24T12:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError("there is no such moment") from None


class WebScrapeInput(_Input):
    """A polite crawl below the start URL's folder."""

    url: Annotated[AnyHttpUrl, BeforeValidator(_short)] = Field(
        strict=False,
        examples=["http://127.0.0.1:8001/guide/"],
        json_schema_extra={"maxLength": URL_LENGTH},
    )
    max_pages: int = Field(default=10, ge=1, le=50)


class RehearsalInput(_Input):
    """A tunable stand-in for drills, load and client tests."""

    steps: int = Field(default=10, ge=1, le=100_000, description="Checkpoints to take.")
    step_seconds: float = Field(default=0.5, ge=0, le=3600, allow_inf_nan=False)
    log_lines: int = Field(default=0, ge=0, le=1000, description="Log lines a step.")
    payload_bytes: int = Field(default=0, ge=0, le=65_536, description="Padding of each event.")
    fail_at: int | None = Field(default=None, ge=1, description="Step that fails.")
    failure: Literal["permanent", "transient", "crash", "hang"] = "permanent"


class DatasetProfileInput(_Input):
    """A profile of each column of a CSV that was uploaded before."""

    upload: Annotated[UUID, Strict(False)] = Field(description="The id of a complete upload.")
    delimiter: Literal[",", ";", "\t", "|"] = ","
    nulls: list[Annotated[str, Field(max_length=20)]] = Field(
        default=[""], max_length=20, description="What a field says that has no value."
    )


# --8<-- [start:terms]
class _Submission(_Strict):
    priority: Annotated[int, BeforeValidator(whole)] = Field(
        default=PRIORITY, ge=0, le=9, description="Among your own waiting tasks 0 goes first."
    )
    deadline: Annotated[AwareDatetime, BeforeValidator(_moment)] | None = Field(
        default=None, description="A task that is not finished by then fails."
    )


# --8<-- [end:terms]


class WebScrapeSubmission(_Submission):
    """Submit a crawl."""

    kind: Literal["web_scrape"]
    input: WebScrapeInput


class RehearsalSubmission(_Submission):
    """Submit a rehearsal."""

    kind: Literal["rehearsal"]
    input: RehearsalInput = RehearsalInput()


class DatasetProfileSubmission(_Submission):
    """Submit a profile."""

    kind: Literal["dataset_profile"]
    input: DatasetProfileInput


TaskInput = WebScrapeInput | DatasetProfileInput | RehearsalInput
Submission = Annotated[
    WebScrapeSubmission | DatasetProfileSubmission | RehearsalSubmission,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Kind:
    """What the core must know of a kind; seconds unless said otherwise.

    `version` rises when a checkpoint of an older work can't be read by the newer one.
    """

    version: int
    queue: str
    input: type[BaseModel]
    stall_timeout: float = 120
    retries: int = 8


KINDS: dict[str, Kind] = {
    "web_scrape": Kind(version=1, queue="web", input=WebScrapeInput),
    "dataset_profile": Kind(version=1, queue="data", input=DatasetProfileInput),
    "rehearsal": Kind(version=1, queue="rehearsal", input=RehearsalInput, stall_timeout=30),
}
