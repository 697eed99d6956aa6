"""Ways to page people: a class for each type of channel, `[[channels.dingtalk]]` and so on."""

import re
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field

from ctid.config.backends import Address
from ctid.config.base import RESULT, Name, Seconds, Table, Text
from ctid.config.broker import Broker
from ctid.config.secret import Secret

_OWN: Final = {
    "dingtalk": "dingtalk",
    "oapi.dingtalk.com": "dingtalk",
    "wecombot": "wecom",
    "qyapi.weixin.qq.com": "wecom",
    "feishu": "feishu",
    "lark": "feishu",
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "feishu",
}
PerMinute = Annotated[int, Field(ge=0, le=100_000)]


def _program(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not value[0].startswith("/"):
        raise ValueError(
            'must begin with the whole path of a program: ["/usr/local/bin/page", "--urgent"]'
        )
    if any("\0" in word for word in value):
        raise ValueError("may hold no NUL character")
    return value


def own_channel(url: str) -> str | None:
    """The type of channel that is to be used instead of this Apprise URL; None: there is none.

    These answer with success whatever becomes of a message, and Apprise believes them.
    """
    scheme, _, rest = url.strip().lower().partition("://")
    host = rest.partition("/")[0].rpartition("@")[2].partition(":")[0]
    return _OWN.get(scheme) or _OWN.get(host)


class Channel(Table):
    """What all have in common; `needs` are the secrets it cannot do without.

    `concurrency` messages are sent at once; `per_minute` is the greatest number that begin in a
    minute, 0 for no limit.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    takes_address: ClassVar[bool] = False
    """Whether there is somebody to be named: a person in a group, whom a mail is for."""

    name: Name
    concurrency: int = Field(default=4, ge=1, le=64)
    per_minute: PerMinute = 0
    timeout_seconds: Seconds = 5.0


class HttpChannel(Channel):
    """A channel that is reached by HTTP."""

    files: ClassVar[tuple[str, ...]] = ("ca_file",)
    in_address: ClassVar[re.Pattern[str] | None] = None
    """How an address looks that holds the first of `needs`, as vendors show it."""

    url: Address
    ca_file: Text | None = None


def secret_in_address(kind: str, table: dict[str, Any]) -> str | None:
    """The secret that stands in the address of a table of this type; None: there is none."""
    model, url = CHANNELS[kind], table.get("url")
    if issubclass(model, HttpChannel) and model.in_address and isinstance(url, str):
        return model.needs[0] if model.in_address.search(url) else None
    return None


class Robot(HttpChannel):
    """A robot of a group that is known by a token, and may be asked to sign."""

    secrets: ClassVar[tuple[str, ...]] = ("token", "secret")
    needs: ClassVar[tuple[str, ...]] = ("token",)
    takes_address: ClassVar[bool] = True

    token_file: Text | None = None
    token_credential: Text | None = None
    secret_file: Text | None = None
    secret_credential: Text | None = None
    keyword: Text | None = None
    token: Secret | None = RESULT
    secret: Secret | None = RESULT


class DingTalkChannel(Robot):
    """A robot of a DingTalk group. `token` is the access_token, `secret` signs."""

    in_address: ClassVar[re.Pattern[str]] = re.compile(r"[?&]access_token=")

    name: Name = "dingtalk"
    per_minute: PerMinute = 20
    url: Address = "https://oapi.dingtalk.com/robot/send"


class WeComChannel(HttpChannel):
    """A robot of a WeCom group. `key` stands in the address that WeCom shows."""

    secrets: ClassVar[tuple[str, ...]] = ("key",)
    needs: ClassVar[tuple[str, ...]] = ("key",)
    takes_address: ClassVar[bool] = True
    in_address: ClassVar[re.Pattern[str]] = re.compile(r"[?&]key=")

    name: Name = "wecom"
    per_minute: PerMinute = 20
    url: Address = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
    key_file: Text | None = None
    key_credential: Text | None = None
    key: Secret | None = RESULT


class FeishuChannel(Robot):
    """A robot of a Feishu (or Lark) group. `token` is the last part of its address."""

    in_address: ClassVar[re.Pattern[str]] = re.compile(r"/hook/[^/]")

    name: Name = "feishu"
    per_minute: PerMinute = 60
    url: Address = "https://open.feishu.cn/open-apis/bot/v2/hook"


class WebhookChannel(HttpChannel):
    """Any system that takes a signed POST."""

    secrets: ClassVar[tuple[str, ...]] = ("token", "secret")

    name: Name = "webhook"
    concurrency: int = Field(default=32, ge=1, le=64)
    token_file: Text | None = None
    token_credential: Text | None = None
    secret_file: Text | None = None
    secret_credential: Text | None = None
    token: Secret | None = RESULT
    secret: Secret | None = RESULT


class CommandChannel(Channel):
    """A program on this machine. `argv` is what is run, without a shell."""

    takes_address: ClassVar[bool] = True

    name: Name = "command"
    per_minute: PerMinute = 30
    argv: Annotated[tuple[Text, ...], AfterValidator(_program)]


class AppriseChannel(Channel):
    """Everything that the library Apprise can reach.

    `url` is where to, unless the roster says it for each person.
    """

    secrets: ClassVar[tuple[str, ...]] = ("url",)
    takes_address: ClassVar[bool] = True

    name: Name = "apprise"
    per_minute: PerMinute = 10
    url_file: Text | None = None
    url_credential: Text | None = None
    url: Secret | None = RESULT


class AlertmanagerChannel(HttpChannel):
    """Prometheus Alertmanager, by its API v2. Alerts are sent again every `resend_seconds`."""

    secrets: ClassVar[tuple[str, ...]] = ("token", "password")

    name: Name = "alertmanager"
    user: Text | None = None
    password_file: Text | None = None
    password_credential: Text | None = None
    token_file: Text | None = None
    token_credential: Text | None = None
    resend_seconds: Seconds = 60.0
    password: Secret | None = RESULT
    token: Secret | None = RESULT


class PagerDutyChannel(HttpChannel):
    """PagerDuty, or what speaks its Events API v2."""

    secrets: ClassVar[tuple[str, ...]] = ("routing_key",)
    needs: ClassVar[tuple[str, ...]] = ("routing_key",)

    name: Name = "pagerduty"
    url: Address = "https://events.pagerduty.com/v2/enqueue"
    routing_key_file: Text | None = None
    routing_key_credential: Text | None = None
    routing_key: Secret | None = RESULT


class MqttChannel(Channel, Broker):
    """A broker. `commands`: whoever it lets may acknowledge, resolve and silence there."""

    name: Name = "mqtt"
    timeout_seconds: Seconds = 5.0
    commands: bool = False


class Channels(Table):
    """The ways to page people, by type."""

    dingtalk: tuple[DingTalkChannel, ...] = ()
    wecom: tuple[WeComChannel, ...] = ()
    feishu: tuple[FeishuChannel, ...] = ()
    webhook: tuple[WebhookChannel, ...] = ()
    command: tuple[CommandChannel, ...] = ()
    apprise: tuple[AppriseChannel, ...] = ()
    alertmanager: tuple[AlertmanagerChannel, ...] = ()
    pagerduty: tuple[PagerDutyChannel, ...] = ()
    mqtt: tuple[MqttChannel, ...] = ()

    def all(self) -> tuple[Channel, ...]:
        """All types together; every name is there once."""
        return tuple(table for kind in CHANNELS for table in getattr(self, kind))


CHANNELS: Final[dict[str, type[Channel]]] = {
    "dingtalk": DingTalkChannel,
    "wecom": WeComChannel,
    "feishu": FeishuChannel,
    "webhook": WebhookChannel,
    "command": CommandChannel,
    "apprise": AppriseChannel,
    "alertmanager": AlertmanagerChannel,
    "pagerduty": PagerDutyChannel,
    "mqtt": MqttChannel,
}
"""By the name of the table within [channels]."""
