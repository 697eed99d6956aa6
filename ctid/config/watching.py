"""What the line watch goes by, out of a configuration."""

from ctid.config.alerting import steps
from ctid.config.models import Config
from ctid.domain.alerts import Recipient, Route
from ctid.domain.escalation import Plan
from ctid.domain.lines_known import LineRules


def line_rules(config: Config) -> list[LineRules]:
    """The lines, as the watch knows them."""
    alert = config.alert
    tables = {table.name: table for table in config.line}
    exclusion = config.directory("").exclusion  # the same for all PBXs
    return [
        LineRules(
            line.name,
            line.duty,
            line.zone,
            warning_seconds=60.0 * (own.warning_minutes or alert.warning_minutes),
            limit_seconds=60.0 * (own.limit_minutes or alert.limit_minutes),
            longest_wait_seconds=60.0 * (own.longest_wait_minutes or alert.longest_wait_minutes),
            blind_seconds=60.0 * (own.blind_minutes or alert.blind_minutes),
            short_abandon_seconds=config.figures.short_abandon_seconds,
            excluded=lambda number: exclusion(number) is not None,
        )
        for line in config.lines()
        for own in (tables[line.name],)
    ]


def plan(config: Config) -> Plan:
    """How alerts are escalated, by the configuration."""
    told = tuple(Recipient(name, None, (Route(name),)) for name in config.alert.channels)
    return Plan(steps(config.escalation), 60.0 * config.alert.repeat_minutes, told)
