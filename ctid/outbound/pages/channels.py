"""The channels: a file for each, and a line here."""

from collections.abc import Callable
from typing import Any, Final

from ctid.config import Config
from ctid.config.channels import (
    AlertmanagerChannel,
    AppriseChannel,
    CommandChannel,
    DingTalkChannel,
    FeishuChannel,
    MqttChannel,
    PagerDutyChannel,
    WebhookChannel,
    WeComChannel,
)
from ctid.config.channels import Channel as ChannelTable
from ctid.outbound.pages.alertmanager import AlertmanagerPages
from ctid.outbound.pages.apprise import Apprise
from ctid.outbound.pages.command import Command
from ctid.outbound.pages.dingtalk import DingTalk
from ctid.outbound.pages.feishu import Feishu
from ctid.outbound.pages.kinds import Origin
from ctid.outbound.pages.mqtt import MqttPages
from ctid.outbound.pages.pagerduty import PagerDuty
from ctid.outbound.pages.port import Channel
from ctid.outbound.pages.webhook import Webhook
from ctid.outbound.pages.wecom import WeCom

_OPENERS: Final[dict[type[ChannelTable], Callable[[Any, Origin], Channel]]] = {
    AlertmanagerChannel: AlertmanagerPages,
    AppriseChannel: lambda table, _: Apprise(table),
    CommandChannel: lambda table, origin: Command(table, origin.site),
    DingTalkChannel: lambda table, _: DingTalk(table),
    FeishuChannel: lambda table, _: Feishu(table),
    MqttChannel: lambda table, origin: MqttPages(table, origin.site),
    PagerDutyChannel: PagerDuty,
    WebhookChannel: lambda table, _: Webhook(table),
    WeComChannel: lambda table, _: WeCom(table),
}


def open_channel(table: ChannelTable, origin: Origin) -> Channel:
    """The channel that the table describes, of this installation.

    It connects when it is first asked.
    """
    return _OPENERS[type(table)](table, origin)


def origin_of(config: Config) -> Origin:
    """The installation that this configuration is of."""
    specialties = {line.name: line.specialty for line in config.lines()}
    return Origin(config.site, specialties, config.alert.public_url)
