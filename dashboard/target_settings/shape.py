"""What `targets.toml` may say, as frozen dataclasses; the annotations are what pydantic checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from dashboard.profiles import Profile, own_profile
from dashboard.target_settings import rules

__all__ = [
    "CommandTrigger",
    "Containers",
    "HttpTrigger",
    "Known",
    "PostgresTrigger",
    "ProfileSettings",
    "Ready",
    "TargetEntry",
    "TargetSettings",
    "TriggerSettings",
    "WorkerTrigger",
]

_CLOSED: Final = ConfigDict(extra="forbid")  # a key that nobody reads is a mistake of somebody

Text = Annotated[str, Field(strict=True, min_length=1)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Seconds = Annotated[float, Field(strict=True, gt=0, le=3600)]
Expression = Annotated[Text, AfterValidator(rules.expression)]
Template = Annotated[Text, AfterValidator(rules.template)]
Statement = Annotated[Text, AfterValidator(rules.statement)]
Statements = Annotated[tuple[Statement, ...], BeforeValidator(rules.one_or_more), Field(min_length=1)]


class Known(Protocol):
    """What must be known of a container to find its entry: `engine.facts.ContainerFacts` has it."""

    @property
    def name(self) -> str: ...
    @property
    def service(self) -> str | None: ...
    @property
    def project(self) -> str | None: ...
    @property
    def labelled(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Containers:
    """`[containers]`: what may be seen, and what may be acted on besides the labelled ones.

    Attributes:
        show: `allowed` hides every container that may not be acted on.
        allow: names of containers or of compose services.
    """

    __pydantic_config__ = _CLOSED
    show: Literal["all", "allowed"] = "all"
    allow: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """`[profiles.NAME]`: expressions of RE2, case-insensitive, by the kind of load event that they tell."""

    __pydantic_config__ = _CLOSED
    started: Annotated[tuple[Expression, ...], Field(min_length=1)]
    completed: Annotated[tuple[Expression, ...], Field(min_length=1)]
    failed: tuple[Expression, ...] = ()
    meta_tensor_error: tuple[Expression, ...] = ()
    progress: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """`ready = {…}`: how a target shows that it can be triggered. One of the first three.

    Attributes:
        http: a path that answers 2xx; port: the container's port for it.
        log: words that stand in a line of its log, as they are.
        health: wait for the container's own health check.
        timeout_s: seconds that it may take.
    """

    __pydantic_config__ = _CLOSED
    http: Annotated[Text, AfterValidator(rules.path)] | None = None
    port: Port = 8000
    log: Text | None = None
    health: Annotated[bool, Field(strict=True)] = False
    timeout_s: Seconds = 120.0

    def __post_init__(self) -> None:
        if (self.http is not None) + (self.log is not None) + self.health != 1:
            raise ValueError('needs one of http = "/path", log = "words of a line" and health = true')


@dataclass(frozen=True, slots=True)
class WorkerTrigger:
    """`kind = "worker"`: our own worker's `POST /variants`, at the container's port `port`."""

    __pydantic_config__ = _CLOSED
    kind: Literal["worker"] = "worker"
    port: Port = 8000


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """`kind = "http"`: one request for each variant.

    Attributes:
        path, headers, body: may hold `{variant_id}` and the like; headers also `${NAME}`.
        body: whatever JSON can say; None sends none.
        status: what counts as an answer; empty means every 2xx.
    """

    __pydantic_config__ = _CLOSED
    path: Annotated[Template, AfterValidator(rules.path)]
    kind: Literal["http"] = "http"
    port: Port = 8000
    method: Annotated[Text, AfterValidator(rules.method)] = "POST"
    headers: Annotated[Mapping[str, Template], AfterValidator(rules.headers)] = field(
        default_factory=dict, repr=False
    )
    body: Annotated[Any, AfterValidator(rules.json_body)] = None
    status: tuple[Annotated[int, Field(strict=True, ge=100, le=599)], ...] = ()


@dataclass(frozen=True, slots=True)
class CommandTrigger:
    """`kind = "command"`: a command in the container.

    With `{n}` or `{variant_id}` in it, one for each variant, started together; otherwise one for all.
    """

    __pydantic_config__ = _CLOSED
    command: Annotated[tuple[Template, ...], Field(min_length=1), AfterValidator(rules.command)]
    kind: Literal["command"] = "command"
    workdir: Text | None = None
    user: Text | None = None
    environment: Mapping[str, Annotated[str, Field(strict=True)]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class PostgresTrigger:
    """`kind = "postgres"`: rows that the service is woken by.

    Attributes:
        dsn: where the database is, as libpq reads it; the password as `${NAME}`.
        create: statements before the release. One that returns a row gives the variant its `%(row)s`.
        trigger: statements of the release, executed together.
        done: a query for what has ended: `variant_id` (or what `create` returned), and, if there is a second
            column, what went wrong with it (null: nothing).
        done_count: instead of `done`: a query for how many have ended.
        connections: how many execute the triggers. poll_s: seconds between two questions whether it is done.
    """

    __pydantic_config__ = _CLOSED
    dsn: Annotated[Text, AfterValidator(rules.dsn)] = field(repr=False)
    trigger: Statements
    kind: Literal["postgres"] = "postgres"
    create: Annotated[tuple[Statement, ...], BeforeValidator(rules.one_or_more)] = ()
    done: Statement | None = None
    done_count: Statement | None = None
    connections: Annotated[int, Field(strict=True, ge=1, le=64)] = 16
    poll_s: Annotated[float, Field(strict=True, ge=0.1, le=60)] = 0.5

    def __post_init__(self) -> None:
        if (self.done is None) == (self.done_count is None):
            raise ValueError(
                "needs one of done (a query for the ids of the variants that have ended) "
                "and done_count (a query for their number)"
            )
        if rules.names_one(self.done or self.done_count or ""):
            raise ValueError(
                "asks in done for one variant or job; it is asked for all of them at once: use "
                "%(variant_ids)s, %(job_ids)s or %(run)s"
            )


TriggerSettings = WorkerTrigger | HttpTrigger | CommandTrigger | PostgresTrigger


@dataclass(frozen=True, slots=True)
class TargetEntry:
    """`[targets.NAME]`: one target. Its `container`, or the compose `service` (of `project`) that it is.

    Attributes:
        profile: whose patterns tell its loads; None tries all that are built in.
        ready: None means: our worker's /healthz for the kind `worker`; else the container's health check
            where it has one, and running where it has none.
        model_mb: megabytes (of 1,000,000 bytes) that one model takes in memory, for a service that is not our
            worker: then its memory can be a witness of how many models it holds.
    """

    __pydantic_config__ = _CLOSED
    container: Text | None = None
    service: Text | None = None
    project: Text | None = None
    profile: Text | None = None
    ready: Ready | None = None
    model_mb: Annotated[float, Field(strict=True, gt=0)] | None = None
    trigger: Annotated[TriggerSettings, Field(discriminator="kind")] = field(default_factory=WorkerTrigger)

    def __post_init__(self) -> None:
        if (self.container is None) == (self.service is None):
            raise ValueError('needs one of container = "NAME" and service = "NAME" (of compose)')
        if self.project is not None and self.service is None:
            raise ValueError("has a project, which belongs to a service, and names a container")

    def is_for(self, container: Known) -> bool:
        """Whether this entry describes `container`."""
        if self.container is not None:
            return self.container == container.name
        return self.service == container.service and self.project in (None, container.project)


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """All of `targets.toml`; without a file, the defaults."""

    __pydantic_config__ = _CLOSED
    containers: Containers = field(default_factory=Containers)
    profiles: Mapping[str, ProfileSettings] = field(default_factory=dict)
    targets: Mapping[str, TargetEntry] = field(default_factory=dict)

    def own_profiles(self) -> Mapping[str, Profile]:
        """Return the user's own profiles by name, made ready to be found."""
        return {name: own_profile(name, asdict(each)) for name, each in self.profiles.items()}

    def find(self, name: str) -> TargetEntry | None:
        """Return the entry that `container:NAME` means: by its key, else by its container or service."""
        if name in self.targets:
            return self.targets[name]
        own = (entry for entry in self.targets.values() if name in (entry.container, entry.service))
        return next(own, None)

    def entry_for(self, container: Known) -> TargetEntry | None:
        """Return the entry that describes `container`; None if there is none."""
        return next((entry for entry in self.targets.values() if entry.is_for(container)), None)

    def allows(self, container: Known) -> bool:
        """Whether `container` may be acted on: by its label, by `allow`, or because it has an entry."""
        names = {container.name, container.service}
        return (
            container.labelled
            or not names.isdisjoint(self.containers.allow)
            or self.entry_for(container) is not None
        )

    def shows(self, container: Known) -> bool:
        """Whether `container` may be seen."""
        return self.containers.show == "all" or self.allows(container)
