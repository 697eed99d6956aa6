"""What tickets take out of the configuration."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ctid.config import load
from ctid.tickets import returns

CONFIG = """
timezone = "Asia/Shanghai"
[calendar]
country = "CN"
[missed]
due_minutes = 60
[[line]]
name = "here"
queues = ["here"]
duty = ["mon-fri 08:00-18:00"]
[[line]]
name = "berlin"
queues = ["berlin"]
duty = ["mon-fri 08:00-18:00"]
timezone = "Europe/Berlin"
calendar = false
"""


def test_a_caller_is_due_in_duty_hours_of_the_line_in_its_zone(tmp_path: Path) -> None:
    (tmp_path / "ctid.toml").write_text(CONFIG)
    config = load(tmp_path / "ctid.toml", read_secrets=False)
    due = returns(config, lambda number: number)._due

    def at(text: str, zone: str = "Asia/Shanghai") -> float:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()

    before_national_day = at("2026-09-30 17:30")
    assert due("here", before_national_day) == at("2026-10-08 08:30")
    assert due("berlin", before_national_day) == at("2026-09-30 12:30", "Europe/Berlin")
    assert due("berlin", at("2026-10-01 20:00")) == at("2026-10-01 15:00", "Europe/Berlin")
    assert due("gone", before_national_day) == before_national_day + 3600
