"""Roster files, good ones in both forms, and all that people do to them."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.config import ConfigError, load
from ctid.config.roster import Surroundings, parse, surroundings
from ctid.domain.alerts import Route
from ctid.domain.calendar import Calendar
from ctid.domain.roster import Plan, Role, Times

ROOT = Path(__file__).parents[3]
AROUND = Surroundings(
    Times("Asia/Shanghai"),
    {"network": Times("Asia/Shanghai"), "server": Times("Europe/Berlin")},
    frozenset({"dingtalk", "apprise"}),
    frozenset({"dingtalk"}),
)
GOOD = """[[person]]
id = "zhang"
channels = ["dingtalk"]
[[shift]]
role = "first_line"
people = ["zhang"]
"""
TABLE = "role,person,hours,line,channels,mobile,from,until,by\n"


def read(text: str | bytes, name: str = "roster.toml") -> Plan:
    return parse(text if isinstance(text, bytes) else text.encode(), Path(name), AROUND)


def problems(text: str | bytes, name: str = "roster.toml") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, name)
    return [str(problem).removeprefix(name) for problem in caught.value.problems]


@pytest.mark.parametrize("name", ["roster.toml", "roster.csv"])
def test_the_examples_say_the_same(name: str) -> None:
    example = read((ROOT / "config" / name).read_bytes(), name)
    assert example == read((ROOT / "config/roster.toml").read_bytes()) or name == "roster.csv"
    zhang, li, wang = example.people.values()
    assert zhang.name == "张三"
    assert li.routes == (Route("dingtalk", "13800138001"),)
    mail = Route("apprise", "mailto://desk.example.org?to=wang@example.org")
    assert wang.routes == (Route("dingtalk", "13800138002"), mail)
    assert wang.language == "en"
    (substitution,) = example.substitutions
    assert (substitution.begins, substitution.ends) == (date(2026, 12, 24), date(2026, 12, 26))
    noon = 1_798_344_000.0  # 2026-12-27 12:00 in Shanghai, a Sunday
    assert [person.id for person in example.on_duty(Role.FIRST_LINE, "network", noon)] == ["li"]
    assert [p.id for p in example.on_duty(Role.DUTY_LEAD, None, noon)] == ["wang"]


def test_the_configuration_says_what_a_roster_may_name(tmp_path: Path) -> None:
    path = tmp_path / "ctid.toml"
    path.write_text(
        'timezone = "Asia/Shanghai"\n[calendar]\ncountry = "CN"\n[roster]\nfile = "r.toml"\n'
        '[[channels.dingtalk]]\n[[channels.feishu]]\n[[channels.apprise]]\nname = "mail"\n'
        '[[line]]\nname = "a"\nqueues = ["a"]\n'
        '[[line]]\nname = "b"\nqueues = ["b"]\ntimezone = "Europe/Berlin"\ncalendar = false\n'
    )
    config = load(path, read_secrets=False)
    around = surroundings(config)
    assert config.roster.file == str(tmp_path / "r.toml")
    assert isinstance(around.desk.calendar, Calendar)
    assert around.lines == {"a": around.desk, "b": Times("Europe/Berlin", None)}
    assert around.channels == {"dingtalk", "feishu", "mail"}
    assert around.mentioning == {"dingtalk"}  # robots of Feishu cannot, by number


def test_a_number_that_robots_would_refuse_is_a_mistake() -> None:
    people = """[[person]]
id = "zhang"
channels = ["dingtalk", { channel = "dingtalk", to = "zhang@example.org" }]
mobile = "138 abc"
[[shift]]
role = "first_line"
people = ["zhang"]
"""
    wrong = ":4: person[0].mobile: is no mobile number: write it like `13800138000`"
    assert problems(people) == [wrong]
    people = people.replace("138 abc", "138 0013 8000")
    place = ":3: person[0].channels[1]"
    wrong = "has a `to` that is no mobile number: write it like `13800138000`"
    assert problems(people) == [f"{place}: {wrong}"]
    assert read(people.replace("zhang@example.org", "+86-1380")).people["zhang"].routes == (
        Route("dingtalk", "138 0013 8000"),
        Route("dingtalk", "+86-1380"),
    )


def test_all_mistakes_are_told_at_once_with_their_rows() -> None:
    text = """[[person]]
id = "zhang"
chanels = ["dingtalk"]
[[person]]
id = "zhang"
channels = ["dingtalc", { channel = "apprise", too = "x" }]
mobile = 13800138000
[[person]]
name = "nobody"
[[shift]]
role = "firstline"
people = ["zang"]
hours = ["mon-fri 8-16"]
lines = ["netwerk"]
[[shift]]
role = "duty_lead"
people = []
from = 2026-12-31
until = 2026-12-30
[[substitution]]
absent = "zhang"
by = "zhang"
from = 2026-12-31
until = "2026-12-31T00:00"
[[substitution]]
absent = "lee"
from = "soon"
until = 2026-12-31
[shifts]
"""
    assert problems(text) == [
        ":3: person[0].chanels: unknown key; did you mean `channels`?",
        ":6: person[1].channels[1]: has an unknown key `too`; did you mean `to`?",
        ":7: person[1].mobile: must be a text in quotes",
        ":8: person[2].id: is missing: every table of this kind needs it",
        (
            ":11: shift[0].role: `firstline` is no role: did you mean `first_line`?"
        ),
        (
            ":13: shift[0].hours[0]: `mon-fri 8-16` is no duty entry: write it like "
            "`mon-sat 08:00-16:00`, `22:00-06:00` or `24x7`"
        ),
        ":17: shift[1].people: is an empty list: name somebody, or take the shift out",
        ":22: substitution[0].by: stands in for nobody else: name another",
        ":24: substitution[0].until: is not after `from`: write the later one here",
        (
            ":27: substitution[1].from: must be a day or a local time, such as 2026-12-31 or "
            "2026-12-31T08:00"
        ),
        ":29: shifts: unknown; did you mean `shift`?",
    ]  # fmt: skip


def test_what_only_whole_tables_show() -> None:
    text = """[[person]]
id = "zhang"
[[person]]
id = "zhang"
channels = ["dingtalc"]
[[shift]]
role = "一线"
people = ["zang"]
lines = ["netwerk"]
from = 2026-12-31
until = 2026-12-30
[[substitution]]
absent = "lee"
from = 2026-12-30
until = 2026-12-31
"""
    assert problems(text) == [
        ":4: person[1].id: `zhang` is the id of person[0] already: give each its own",
        ":5: person[1].channels[0]: there is no channel `dingtalc`: did you mean `dingtalk`?",
        ":8: shift[0].people[0]: there is no person `zang`: did you mean `zhang`?",
        ":9: shift[0].lines[0]: there is no line `netwerk`: did you mean `network`?",
        ":11: shift[0].until: lies before `from`: write the later day here",
        ":13: substitution[0].absent: there is no person `lee`: add one of this id",
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", ": holds no shift: nobody is ever on duty"),
        (b"# nothing\n", ": holds no shift: nobody is ever on duty"),
        (
            GOOD.replace("zhang", "\u00e9").encode("latin-1"),
            ": is not UTF-8 text: save it as UTF-8",
        ),
        (GOOD.encode("utf-16"), ": is not UTF-8 text: save it as UTF-8"),
        (b"[[person]]\nid = zhang\n", ":2: is no value: a text stands in straight quotes, true"),
        (b"[person]\nid = 'zhang'\n", ":1: person: may be there several times: write [[person]]"),
        (b"person = [1]\n", ":1: person[0]: must be a table: write [[person]]"),
    ],
)
def test_what_is_no_roster(data: bytes, said: str) -> None:
    assert problems(data)[0].startswith(said)


@pytest.mark.parametrize("name", ["roster.toml", "roster.csv"])
def test_what_windows_editors_make_of_a_file_is_the_same(name: str) -> None:
    text = GOOD if name == "roster.toml" else TABLE + "first_line,zhang,,,dingtalk,,,,\n"
    plain = read(text, name)
    assert read(b"\xef\xbb\xbf" + text.encode(), name) == plain
    assert read(text.replace("\n", "\r\n"), name) == plain
    assert plain == read(GOOD)


def test_a_table_in_gb_18030_with_chinese_headings() -> None:
    text = "角色;人员;姓名;时间;热线\n一线;zhang;张三;mon-fri 08:00-16:00|24x7;network|server\n"
    plan = read(text.encode("gb18030"), "roster.CSV")
    assert plan.people["zhang"].name == "张三"
    (shift,) = plan.shifts
    assert shift.hours is not None
    assert len(shift.hours) == 2
    assert shift.lines == {"network", "server"}


def test_rows_of_one_person_say_it_once() -> None:
    rows = (
        ",li,,,apprise,13900,,,\nfirst_line,li,,,,,2026-12-01,2026-12-31,\n\n#x\n"
        "duty_lead,li,24x7\n"
    )
    plan = read(TABLE + rows, "roster.csv")
    assert plan.people["li"].routes == (Route("apprise", None),)
    assert [shift.role for shift in plan.shifts] == [Role.FIRST_LINE, Role.DUTY_LEAD]


def test_a_table_with_full_width_colons_as_keyboards_in_china_have_them() -> None:
    rows = "first_line,zhang,08：00-22：00,,,,,,\nsubstitution,zhang,,,,,{}\n"
    typed, plain = (
        read(TABLE + rows.replace("：", colon).format(f"2026-12-24T12{colon}00,2026-12-25,"), name)
        for colon, name in (("：", "roster.csv"), (":", "roster.csv"))
    )
    assert typed == plain
    assert typed.shifts[0].hours is not None
    assert typed.shifts[0].hours[0].start == 480


def test_somebody_may_be_away_for_ever() -> None:
    text = '[[substitution]]\nabsent = "zhang"\nfrom = 2026-12-24\nuntil = 9999-12-31\n'
    plan = read(GOOD + text)
    assert list(plan.on_duty(Role.FIRST_LINE, "network", 1_798_344_000.0)) == []


def test_brackets_within_brackets() -> None:
    (problem,) = problems("person = " + "[" * 50_000)
    assert problem == ": has brackets within brackets without end: is it the right file?"


def test_mistakes_in_a_table_have_their_rows() -> None:
    rows = (
        "first_line,zhang,8-16,network,dingtalk,13800,,,\n"
        "first_line,zhang,,netz,dingtalk,13900,,,\n"
        "secondline,,,,,,,,\n"
        "duty_lead,zhang,,,,,2026-12-31,2026-12-30,li\n"
        "substitution,zhang,,,,,2026-12-31,2026-12-30,lee\n"
        "substitution,zhang,,,,,,2026-12-30,\n"
        "first_line,zhang,mon,tue 08:00-16:00,network,dingtalk,13800,,,,x\n"
    )
    assert problems(TABLE + rows, "roster.csv") == [
        (
            ":2: hours: `8-16` is no duty entry: write it like `mon-sat 08:00-16:00`, "
            "`22:00-06:00` or `24x7`"
        ),
        ":3: line: there is no line `netz`: add one of this name",
        ":3: mobile: `zhang` has another one in a row above: say it once",
        ":4: person: is empty: name somebody",
        ":5: by: means something only where `role` is substitution",
        ":5: until: lies before `from`: write the later day here",
        ":6: by: there is no person `lee`: add one of this id",
        ":6: until: is not after `from`: write the later one here",
        ":7: from: is missing: every table of this kind needs it",
        ":8: has 11 columns instead of 9: put texts that hold a comma in quotes",
    ]  # fmt: skip


ROW = "first_line,zhang,,network,dingtalk,,,,\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\n , \n" + TABLE + "\n,,,,\n" + ROW + "\n", id="empty rows"),
        pytest.param(TABLE.replace("\n", ",,\n") + ROW, id="more columns in the header"),
        pytest.param(TABLE + ROW.replace("\n", ",,,,\n"), id="more columns in a row"),
        pytest.param("#;;;;;;;;;;;;\n" + TABLE + ROW, id="a remark first"),
        pytest.param((TABLE + ROW).replace(",", "\t"), id="tabs"),
        pytest.param("\ufeffsep=;\r\n" + (TABLE + ROW).replace(",", ";"), id="delimiter said"),
        pytest.param('"sep=|"\n' + (TABLE + ROW).replace(",", "|"), id="another delimiter said"),
        pytest.param((TABLE + ROW).replace("\n", "\r"), id="of old Macs"),
    ],
)
def test_spreadsheets_write_many_dialects(text: str) -> None:
    plain = read(TABLE + ROW, "roster.csv")
    assert read(text, "roster.csv") == plain


def test_a_semicolon_in_a_table_of_semicolons() -> None:
    text = "role;person;line\nfirst_line;zhang;{}\n"
    assert problems(text.format("network;server"), "roster.csv") == [
        ":2: has 4 columns instead of 3: put texts that hold a semicolon in quotes"
    ]
    for line in ('"network;server"', "network|server", "network；server"):
        (shift,) = read(text.format(line), "roster.csv").shifts
        assert shift.lines == {"network", "server"}


def test_a_substitution_is_limited_alike_in_both_forms() -> None:
    row = "substitution,zhang,mon-fri 08:00-12:00|sat 09:00-10:00,network,,,2026-12-04,2026-12-04\n"
    keys = """[[substitution]]
absent = "zhang"
lines = ["network"]
hours = ["mon-fri 08:00-12:00", "sat 09:00-10:00"]
from = 2026-12-04
until = 2026-12-04
"""
    found = read(GOOD + keys)
    assert found == read(TABLE + "first_line,zhang,,,dingtalk\n" + row, "roster.csv")
    (substitution,) = found.substitutions
    assert substitution.lines == {"network"}
    assert substitution.role is None
    limited = keys.replace('lines = ["network"]', 'role = "一线"')
    assert read(GOOD + limited).substitutions[0].role is Role.FIRST_LINE
    wrong = TABLE + ROW + row.replace("network", "netwrok").replace("-12:00", "")
    assert problems(wrong, "roster.csv") == [
        (
            ":3: hours: `mon-fri 08:00` is no duty entry: write it like `mon-sat 08:00-16:00`, "
            "`22:00-06:00` or `24x7`"
        )
    ]
    assert problems(TABLE + ROW + row.replace("network", "netwrok"), "roster.csv") == [
        ":3: line: there is no line `netwrok`: did you mean `network`?"
    ]


def test_a_name_in_the_place_of_an_id_is_told_with_the_id() -> None:
    people = (
        TABLE.replace("by", "by,name") + "first_line,zhang,,,dingtalk,,,,,张三\n,li,,,,,,,,李四\n"
    )
    away = "substitution,{},,,,,2026-12-04,2026-12-04,{}\n"
    zhang, li = ("`张三` is a name: write the id, `zhang`", "`李四` is a name: write the id, `li`")
    assert problems(people + away.format("张三", "李四"), "roster.csv") == [
        f":4: by: {li}",
        f":4: person: {zhang}",
    ]
    # before who it is has been said, too
    header, *rows = (people + away.format("zhan", "li")).splitlines(keepends=True)
    assert problems(header + "".join(reversed(rows)), "roster.csv") == [
        ":2: person: there is no person `zhan`: did you mean `zhang`?"
    ]
    namesakes = people + ",wang,,,,,,,,张三\n" + away.format("张三", "li")
    assert problems(namesakes, "roster.csv") == [
        ":5: person: `张三` is a name: write the id, `zhang` or `wang`"
    ]
    plain = GOOD.replace('id = "zhang"', 'id = "zhang"\nname = "张三"')
    text = plain.replace('people = ["zhang"]', 'people = ["张三"]')
    assert problems(text) == [f":7: shift[0].people[0]: {zhang}"]


def test_a_row_without_a_role_has_nothing_of_a_shift() -> None:
    said = (
        "is empty, so the row makes no shift and {} count for nothing: write the role into each "
        "row (merged cells leave it empty), or empty these cells, too"
    )
    rows = ",zhang,08:00-12:00,network\n,zhang,,,,,2026-12-04,,zhang\n,zhang,,,dingtalk\n"
    assert problems(TABLE + ROW + rows, "roster.csv") == [
        f":3: role: {said.format('`line`, `hours`')}",
        f":4: role: {said.format('`from`, `by`')}",
    ]


def test_days_as_spreadsheets_write_them() -> None:
    row = "substitution,zhang,,,,,2026/12/4,2026/12/31 12:00,\n"
    plan = read(TABLE + ROW + row, "roster.csv")
    assert plan == read(TABLE + ROW + row.replace("/4", "/04").replace("/", "-"), "roster.csv")
    noon = row.replace("/31 12:00", "/31 8:00")
    like = read(TABLE + ROW + noon, "roster.csv")
    for text in (
        "2026/12/31 8:00:00",
        "2026-12-31 8:00",
        "2026年12月31日8：00",
        "2026.12.31T08:00",
    ):
        assert read(TABLE + ROW + noon.replace("2026/12/31 8:00", text), "roster.csv") == like
    for text in ("2026-12-4", "2026年12月4日", "2026年12月04日", "2026.12.4", "20261204"):
        found = read(TABLE + ROW + row.replace("2026/12/4", text), "roster.csv")
        assert found.substitutions == plan.substitutions
    shift = "duty_lead,zhang,,,,,2026年12月4日,2026-12-5,\n"
    (_, lead) = read(TABLE + ROW + shift, "roster.csv").shifts
    assert (lead.first, lead.last) == (date(2026, 12, 4), date(2026, 12, 5))
    assert problems(TABLE + ROW + shift.replace("-5", "-5 8:00"), "roster.csv") == [
        ":3: until: must be a day, such as 2026-12-31"
    ]
    assert problems(TABLE + row.replace("/4", "/32"), "roster.csv") == [
        ":2: from: must be a day or a local time, such as 2026-12-31 or 2026-12-31T08:00"
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("role,person,name\nfirst_line,li,Jürgen\n".encode("latin-1"), id="Latin-1"),
        pytest.param("role,person\nfirst_line,li\n".encode("utf-16"), id="UTF-16"),
        pytest.param(b"PK\x03\x04\x14\0\0\0", id="the spreadsheet itself"),
    ],
)
def test_other_encodings_are_told_in_one_line(data: bytes) -> None:
    assert problems(data, "roster.csv") == [
        ": is neither UTF-8 nor GB 18030: save it as CSV in UTF-8"
    ]


def test_of_one_name_each_is_shown_with_the_id() -> None:
    rows = (
        "role,person,name\nfirst_line,li,Li\nfirst_line,li2,Li\nfirst_line,Li,\nduty_lead,wu,Wu\n"
    )
    people = read(rows, "roster.csv").people
    assert {id_: person.name for id_, person in people.items()} == {
        "li": "Li (li)",
        "li2": "Li (li2)",
        "Li": "Li",
        "wu": "Wu",
    }


def test_a_rare_character_in_a_name_is_read() -> None:
    text = "role,person,name\nfirst_line,li,李喆\n"
    assert read(text.encode("gb18030"), "roster.csv").people["li"].name == "李喆"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("角色，人员\n一线，zhang\n", ":1: is one column, where a header is wanted: put commas, "),
        ("", ": holds no shift"),
        ("person,hours\nzhang,24x7\n", ":1: no column is the role: head it with one of `role`"),
        ("role,person,our\n", ":1: unknown column `our`; did you mean `hours`?"),
        ("role,person,person\n", ":1: column `person` is there twice"),
        ('role,person\nfirst_line,"zhang\n', ":2: is no CSV: "),
    ],
)
def test_what_is_no_table(text: str, said: str) -> None:
    assert problems(text, "roster.csv")[0].startswith(said)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode), st.booleans())
def test_whatever_the_bytes_it_is_a_roster_or_told_why_not(data: bytes, is_csv: bool) -> None:
    name = "roster.csv" if is_csv else "roster.toml"
    try:
        read(data, name)
    except ConfigError as error:
        told = error.problems
    else:
        told = ()
    assert all(problem.message for problem in told)
