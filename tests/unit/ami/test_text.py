import pytest

from ctid.ami import text


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("<unknown>", ""),
        ("unknown", ""),
        ("Zhang San", "Zhang San"),
        (r"\"Boss\" \\ Co", r'"Boss" \ Co'),
        (r"a\tb\ac", "a bc"),
        (r"\\n", r"\n"),
        ("x\x1b[31m\x07", "x[31m"),
        ("a\u202eb", "ab"),
        ("张\u3000三", "张\u3000三"),
    ],
)
def test_names(sent: str, name: str) -> None:
    assert text.name(sent) == name


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("13800000001", "13800000001"),
        ("+86 138", "+86 138"),
        ("<unknown>", ""),
        ("1380\r\nEvent: Hangup", "1380"),
        ("1380\nEvent: Hangup", "1380"),
        ("13\x0080", "1380"),
    ],
)
def test_numbers(sent: str, number: str) -> None:
    assert text.number(sent) == number


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        ("张三".encode(), "张三"),
        ("张三".encode("gb18030"), "张三"),
        ("张三丰".encode()[:-1], "张三"),
        (b"\xff\xff", "\ufffd\ufffd"),
    ],
)
def test_every_field_is_decoded_by_itself(sent: bytes, line: str) -> None:
    whole = text.decode(b"A: " + sent + b"\r\nB: " + "李".encode() + b"\r\n")
    assert whole == f"A: {line}\r\nB: 李\r\n"
