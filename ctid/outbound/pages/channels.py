"""The channels: a file for each, and a line here."""

from collections.abc import Callable
from typing import Any, Final

from ctid.config.channels import (
    AppriseChannel,
    CommandChannel,
    DingTalkChannel,
    FeishuChannel,
    WebhookChannel,
    WeComChannel,
)
from ctid.config.channels import Channel as ChannelTable
from ctid.outbound.pages.apprise import Apprise
from ctid.outbound.pages.command import Command
from ctid.outbound.pages.dingtalk import DingTalk
from ctid.outbound.pages.feishu import Feishu
from ctid.outbound.pages.port import Channel
from ctid.outbound.pages.webhook import Webhook
from ctid.outbound.pages.wecom import WeCom

_OPENERS: Final[dict[type[ChannelTable], Callable[[Any, str], Channel]]] = {
    AppriseChannel: lambda table, _: Apprise(table),
    CommandChannel: Command,
    DingTalkChannel: lambda table, _: DingTalk(table),
    FeishuChannel: lambda table, _: Feishu(table),
    WebhookChannel: lambda table, _: Webhook(table),
    WeComChannel: lambda table, _: WeCom(table),
}


def open_channel(table: ChannelTable, site: str) -> Channel:
    """The channel that the table describes, of this installation.

    It connects when it is first asked.
    """
    return _OPENERS[type(table)](table, site)
