"""Where ticket drafts go: a class for each type of system, `[[rt]]`, `[[redmine]]` and so on."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from ctid.config.base import RESULT, Name, Seconds, Table, Text, web_address
from ctid.config.broker import Broker
from ctid.config.secret import Secret

Places = dict[str, Text]
Address = Annotated[Text, AfterValidator(web_address)]


class Backend(Table):
    """What all have in common. `lines`: only drafts of these; empty: of all.

    `concurrency` deliveries run at once; `per_minute` is the greatest number that begin in a
    minute, 0 for no limit.
    """

    name: Name
    lines: tuple[Text, ...] = ()
    concurrency: int = Field(default=4, ge=1, le=64)
    per_minute: int = Field(default=0, ge=0, le=100_000)
    timeout_seconds: Seconds = 10.0


class HttpBackend(Backend):
    """A system that is reached by HTTP."""

    secrets: ClassVar[tuple[str, ...]] = ("token",)
    files: ClassVar[tuple[str, ...]] = ("ca_file",)

    url: Address
    token_file: Text | None = None
    token_credential: Text | None = None
    ca_file: Text | None = None
    token: Secret | None = RESULT


class RtBackend(HttpBackend):
    """Request Tracker 5, by REST2. `queues` maps lines to other queues than `queue`."""

    name: Name = "rt"
    queue: Text
    queues: Places = Field(default_factory=dict)
    key_field: Text = "CallKey"
    requestor: Text | None = None


class RedmineBackend(HttpBackend):
    """Redmine. `key_field` is the name of a custom field; `projects` maps lines to projects."""

    name: Name = "redmine"
    project: Text
    projects: Places = Field(default_factory=dict)
    key_field: Text = "CallKey"
    tracker: Text | None = None


class ZammadBackend(HttpBackend):
    """Zammad. `key_field` is the name of a ticket attribute; `groups` maps lines to groups."""

    name: Name = "zammad"
    group: Text
    groups: Places = Field(default_factory=dict)
    key_field: Text = "ctid_key"
    customer: Text = "guess:telephone@invalid"


class WebhookBackend(HttpBackend):
    """Any system that takes a signed POST. `look_up`: it also answers GET ?key=."""

    secrets: ClassVar[tuple[str, ...]] = ("token", "secret")

    name: Name = "webhook"
    look_up: bool = False
    secret_file: Text | None = None
    secret_credential: Text | None = None
    secret: Secret | None = RESULT


class MqttBackend(Backend, Broker):
    """A broker. With `acknowledged` a draft is delivered once somebody answers with a ticket."""

    name: Name = "mqtt"
    acknowledged: bool = False


class FileBackend(Backend):
    """JSON Lines, one line for each revision of a draft."""

    name: Name = "file"
    path: Text
