"""Contact files as operators have them, good and bad."""

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ctid.domain.drafts import Contact
from ctid.domain.numbers import Numbering
from ctid.outbound.contact_rows import ContactsError
from ctid.outbound.contacts import ContactDirectory, Report
from ctid.outbound.loads import Loads
from tests.waiting import until

ONE = "number,customer,site,vip,line\n13800138000,Example Ltd.,Shanghai,yes,network\n"
EXAMPLE = Contact("Example Ltd.", "Shanghai", vip=True, line="network")
SHANGHAI = Numbering("CN", "021", ("9",))

LOADS = Loads(lambda: 0.0)


def directory(path: Path) -> ContactDirectory:
    return ContactDirectory(path, SHANGHAI, ["network", "server"])


def read(tmp_path: Path, data: str | bytes) -> tuple[ContactDirectory, list[str]]:
    path = tmp_path / "contacts"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    made = directory(path)
    report = made.load()
    assert report is not None
    assert report.contacts == len(made)
    return made, [str(problem).removeprefix(str(path)) for problem in report.problems]


def refused(tmp_path: Path, data: str | bytes) -> str:
    with pytest.raises(ContactsError) as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(tmp_path / "contacts"))


# CSV


@pytest.mark.parametrize(
    "written", ["13800138000", "+86 138 0013 8000", "0086-138-0013-8000", "913800138000"]
)
def test_a_contact_is_found_by_its_number_however_it_was_written(
    tmp_path: Path, written: str
) -> None:
    found, problems = read(tmp_path, ONE.replace("13800138000", written))
    assert problems == []
    assert found.lookup("+8613800138000") == EXAMPLE
    assert found.lookup("+8613800138001") is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_spreadsheets_write_many_dialects(
    tmp_path: Path, delimiter: str, ending: str, encoding: str
) -> None:
    text = "号码,客户,站点,VIP,热线\n13800138000,某某公司,上海,是,network\n"
    text = text.replace(",", delimiter).replace("\n", ending)
    found, problems = read(tmp_path, text.encode(encoding))
    assert problems == []
    assert found.lookup("+8613800138000") == Contact("某某公司", "上海", vip=True, line="network")


def test_a_contact_may_have_several_numbers(tmp_path: Path) -> None:
    text = 'number 1,number 2,customer\n"13800138000; 13800138001",61234567|101,A\n'
    found, problems = read(tmp_path, text)
    assert problems == []
    for number in ("+8613800138000", "+8613800138001", "+862161234567", "101"):
        assert found.lookup(number) == Contact("A")


def test_other_columns_are_not_for_ctid_and_slips_are_told(tmp_path: Path) -> None:
    found, problems = read(tmp_path, "Birthday,Number,Customer,VPI\n1.1.,13800138000,A,yes\n")
    assert found.lookup("+8613800138000") == Contact("A")
    assert problems == [":1: column `VPI` is left out: did you mean `vip`?"]


def test_bad_rows_are_told_and_the_others_used(tmp_path: Path) -> None:
    text = (
        "number,customer,vip,line\n"
        "13800138000,A,,\n"
        ",B,,\n"
        "13800138001,,,\n"
        "\n"
        "anonymous,C,,\n"
        '13800138002,"D\nD",maybe,netwrok\n'
        "13800138003,E, Ltd.,,x\n"
        '13800138004,"F"f,,\n'
        "13800138005,G,,\n"
    )
    found, problems = read(tmp_path, text)
    assert problems == [
        ":3: has no number",
        ":4: names no customer",
        ":6: `anonymous` is no number",
        ":7: vip is `maybe`: write yes or no; taken for no",
        ":7: there is no line `netwrok`: did you mean `network`?",
        ":9: has 5 columns instead of 4: put texts that hold a comma in quotes",
        ":10: is no CSV: ',' expected after '\"'",
    ]
    assert len(found) == 3
    assert found.lookup("+8613800138002") == Contact("D D", line="netwrok")
    assert found.lookup("+8613800138005") == Contact("G")


def test_of_two_rows_with_one_number_the_last_counts(tmp_path: Path) -> None:
    text = "number,customer\n13800138000,A\n+8613800138000 | 13800138000,B\n"
    found, problems = read(tmp_path, text)
    assert found.lookup("+8613800138000") == Contact("B")
    assert problems == [":3: `+8613800138000` stands in row 2 too; this one counts"]


def test_names_are_made_plain(tmp_path: Path) -> None:
    found, _ = read(tmp_path, 'number,customer\n13800138000,"A\u202eB\x01\r\nC"\n')
    contact = found.lookup("+8613800138000")
    assert contact is not None
    assert contact.customer.isprintable()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", ": holds no contact"),
        ("number,customer\n", ": holds no contact"),
        ("number,customer\nx,A\n", ": holds no contact: `x` is no number"),
        (
            "13800138000,A\n",
            (
                ":1: no column is the number: head it with one of `number`, `numbers`, `phone`, "
                "`mobile`, `tel`, `号码`, `电话`, `手机`"
            ),
        ),
        ('number,customer\n1,"A\n2,B\n3,C\n', ":2: a quote is opened here and never closed"),
        (b"PK\x03\x04\x14\0\0\0", ": is neither UTF-8 nor GB 18030: save it as CSV in UTF-8"),
        (b"\xff\xfen\0u\0", ": is neither UTF-8 nor GB 18030: save it as CSV in UTF-8"),
        (
            "number,customer\n13800000001,Jürgen\n".encode("latin-1"),
            ": is neither UTF-8 nor GB 18030: save it as CSV in UTF-8",
        ),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, data: str | bytes, said: str) -> None:
    assert refused(tmp_path, data) == said


def test_many_problems_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "contacts"
    path.write_text(ONE + "x,A\n" * 100)
    report = directory(path).load()
    assert isinstance(report, Report)
    assert (len(report.problems), report.more) == (20, 80)


# vCard

CARD = """BEGIN:VCARD\r
VERSION:{version}\r
FN:Zhang San\r
ORG:Example\\, Ltd.;Support\r
item1.TEL;TYPE=cell:+86 138-0013-\r
 8000\r
{tel}\r
ADR;TYPE=work:;;Road 1;Shanghai;;200000;China\r
CATEGORIES:Friends,vip\r
NOTE:Likes tea: green.\\nline: network\r
PHOTO;ENCODING=b;TYPE=JPEG:AAAA\r
 BBBB=\r
END:VCARD\r
"""


@pytest.mark.parametrize(
    ("version", "tel"),
    [
        ("3.0", "TEL;TYPE=work,voice:021 61234567"),
        ("4.0", 'TEL;VALUE=uri;TYPE="work,voice":tel:+86-21-6123-4567;ext=5'),
    ],
)
def test_a_card(tmp_path: Path, version: str, tel: str) -> None:
    found, problems = read(tmp_path, CARD.format(version=version, tel=tel))
    assert problems == []
    contact = Contact("Example, Ltd.", "Shanghai", vip=True, line="network")
    assert found.lookup("+8613800138000") == contact
    assert found.lookup("+862161234567") == contact


def test_a_card_of_an_old_telephone(tmp_path: Path) -> None:
    text = (
        "BEGIN:VCARD\nVERSION:2.1\n"
        "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E6=9F=90=E6=9F=90=\n=E5=85=AC=E5=8F=B8\n"
        "TEL;CELL:13800138000\nNOTE:站点：上海\nEND:VCARD\n"
    )
    found, problems = read(tmp_path, text)
    assert problems == []
    assert found.lookup("+8613800138000") == Contact("某某公司", "上海")


def test_bad_cards_are_told_by_the_row_where_they_begin(tmp_path: Path) -> None:
    good = "BEGIN:VCARD\nFN:A\nTEL:13800138000\nEND:VCARD\n"
    text = (
        "BEGIN:VCARD\nFN:B\nEND:VCARD\n"
        "BEGIN:VCARD\nTEL:13800138001\nEND:VCARD\n"
        "BEGIN:VCARD\nFN:C\nTEL:13800138002\n" + good + "nonsense\nBEGIN:VCARD\nFN:D\n"
    )
    found, problems = read(tmp_path, text)
    assert len(found) == 1
    assert problems == [
        ":1: has no number: no TEL",
        ":4: names no customer: neither ORG nor FN",
        ":7: the card has no END:VCARD",
        ":15: the card has no END:VCARD",
    ]


# a file that changes


def test_it_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text(ONE)
    made = directory(path)
    assert made.load() is not None
    assert made.load() is None
    new = tmp_path / "new.csv"
    new.write_text(ONE.replace("Example", "Another"))
    was = path.stat()
    os.utime(new, ns=(was.st_atime_ns, was.st_mtime_ns))
    new.replace(path)
    assert made.load() is not None
    contact = made.lookup("+8613800138000")
    assert contact is not None
    assert contact.customer == "Another Ltd."


@pytest.mark.parametrize("bad", ["", "a,b\n1,2\n", None])
async def test_a_bad_file_changes_nothing_and_is_told_once(tmp_path: Path, bad: str | None) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text(ONE)
    made = directory(path)
    await made.refresh(LOADS)
    if bad is None:
        path.unlink()
    else:
        path.write_text(bad)
    with capture_logs() as logs:
        await made.refresh(LOADS)
        await made.refresh(LOADS)
    assert [line["event"] for line in logs] == ["contacts_not_read"]
    assert logs[0]["why"].startswith(str(path))
    assert made.lookup("+8613800138000") == EXAMPLE
    path.write_text(ONE.replace("Example", "Mended"))
    with capture_logs() as logs:
        await made.refresh(LOADS)
    assert [line["event"] for line in logs] == ["contacts_read"]
    assert made.lookup("+8613800138000") != EXAMPLE


async def test_a_file_that_comes_back_is_read(tmp_path: Path) -> None:
    path, aside = tmp_path / "contacts.csv", tmp_path / "aside.csv"
    path.write_text(ONE)
    made = directory(path)
    told = []
    for _ in range(2):
        await made.refresh(LOADS)
        path.rename(aside)
        with capture_logs() as logs:
            await made.refresh(LOADS)
            aside.rename(path)
            await made.refresh(LOADS)
        told.append([line["event"] for line in logs])
    assert told == [["contacts_not_read", "contacts_read"]] * 2


async def test_problems_of_rows_are_logged(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text(ONE + "x,A\n" * 30)
    with capture_logs() as logs:
        await directory(path).refresh(LOADS)
    assert [line["event"] for line in logs] == ["contact"] * 21 + ["contacts_read"]
    assert logs[0]["why"] == f"{path}:3: `x` is no number"
    assert logs[20]["why"] == f"{path}: and 10 more of such rows"


async def test_it_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text(ONE)
    made = directory(path)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(made.watch(LOADS, 0.01))
        await until(lambda: len(made) == 1)
        path.write_text(ONE + "13800138001,B,,,\n")
        await until(lambda: len(made) == 2)
        watching.cancel()
