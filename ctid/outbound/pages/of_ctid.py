"""What a page says where ctid itself cannot do its work, rather than a line."""

from ctid.domain.alerts import CalendarEnding, DeliveryStuck, NotReloaded, StoreFailing
from ctid.outbound.pages.tongue import Tongue, name, words

OfCtid = CalendarEnding | DeliveryStuck | NotReloaded | StoreFailing


def wrong(tongue: Tongue, subject: OfCtid) -> str:
    """What is wrong, in a sentence."""
    match subject:
        case CalendarEnding():
            last, calendar = name(subject.last_day), name(subject.calendar)
            return tongue.pick(
                f"holidays of {calendar} are known up to {last}; after that every day counts by "
                "its weekday alone.",
                f"节假日数据（{calendar}）只到 {last}；此后仅按星期计算值守时间。",
            )
        case DeliveryStuck():
            what = tongue.count(
                subject.waiting, "delivery has not arrived", "deliveries have not arrived", "件"
            )
            oldest, to = tongue.clock(subject.oldest_at), name(subject.destination)
            why = words(subject.why) if subject.why else ""
            return tongue.pick(
                f"{what} at {to}, the oldest since {oldest}" + (f": {why}" if why else "."),
                f"{to} 未送达 {what}，最早自 {oldest}" + (f"：{why}" if why else "。"),
            )
        case NotReloaded():
            return _not_reloaded(tongue, subject)
        case StoreFailing():
            since, why = tongue.clock(subject.since), words(subject.why)
            return tongue.pick(
                f"since {since} calls are not saved: {why}", f"自 {since} 起通话记录无法保存：{why}"
            )


def first_step(tongue: Tongue, subject: OfCtid) -> str:
    """What to do first."""
    match subject:
        case CalendarEnding():
            return tongue.pick(
                "upgrade ctid's package of holidays, or write the days into the override file; "
                "ctid check-config names both.",
                "升级 ctid 的节假日软件包，或把节假日写入例外文件；详见 ctid check-config。",
            )
        case DeliveryStuck(is_channel=True):
            to = name(subject.destination)
            return tongue.pick(
                f"ctid status says what it answers, ctid check-channel {to} whether it can be "
                "reached",
                f"ctid status 显示其应答，ctid check-channel {to} 检查能否连通",
            )
        case DeliveryStuck():
            return tongue.pick(
                "see whether that system runs, then ctid status",
                "检查该系统是否正常，再看 ctid status",
            )
        case NotReloaded(file="config"):
            return tongue.pick(
                "mend it, then systemctl reload ctid; what is wrong in it: ctid check-config",
                "修正后执行 systemctl reload ctid；查看错误：ctid check-config",
            )
        case NotReloaded(file=file):
            command = "ctid roster lint" if file == "roster" else "ctid check-config"
            return tongue.pick(
                f"mend the file; what is wrong in it: {command}",
                f"修正该文件；查看错误：{command}",
            )
        case StoreFailing():
            return tongue.pick(
                "look at disk space and database, then ctid status",
                "检查磁盘空间和数据库，再看 ctid status",
            )


def _not_reloaded(tongue: Tongue, subject: NotReloaded) -> str:
    since, what, why = tongue.clock(subject.since), tongue.file(subject.file), words(subject.why)
    if subject.kept:
        told = tongue.pick(
            f"the new {what} cannot be used since {since}, and the one before stays in force: ",
            f"自 {since} 起新的{what}无法使用，沿用原来的：",
        )
    else:
        told = tongue.pick(
            f"the {what} cannot be used since {since}, and nothing stands in for it: ",
            f"自 {since} 起{what}无法使用，且无旧版可沿用：",
        )
    mistakes = "mistake" if subject.more == 1 else "mistakes"
    more = tongue.pick(f" (and {subject.more} more {mistakes})", f"（另有 {subject.more} 处）")
    return told + why + (more if subject.more else "")
