import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ctid.ami.protocol import Framer

GREETING = b"Asterisk Call Manager/11.0.0\r\n"


def test_blocks_are_the_text_between_blank_lines() -> None:
    framer = Framer()
    assert framer.feed(GREETING + b"A: 1\r\nB: 2\r\n\r\nC: 3\r\n\r\nD") == [
        b"A: 1\r\nB: 2",
        b"C: 3",
    ]
    assert framer.version == "11.0.0"
    assert framer.feed(b": 4\r\n\r") == []
    assert framer.feed(b"\n") == [b"D: 4"]


def test_greeting_may_come_in_pieces() -> None:
    framer = Framer()
    for byte in GREETING:
        assert framer.version is None
        assert framer.feed(bytes([byte])) == []
    assert framer.version == "11.0.0"


def test_a_stream_without_greeting_is_read_all_the_same() -> None:
    framer = Framer()
    assert framer.feed(b"Asterisk") == []
    assert framer.feed(b" is not it: 1\r\n\r\n") == [b"Asterisk is not it: 1"]
    assert framer.version is None


def test_a_long_block_is_dropped_and_counted() -> None:
    framer = Framer(max_block=10)
    framer.feed(GREETING)
    assert framer.feed(b"A: 1\r\n\r\n" + b"x" * 11 + b"\r\n\r\nB: 2\r\n\r\n") == [b"A: 1", b"B: 2"]
    assert framer.oversized == 1


def test_an_endless_block_costs_neither_memory_nor_time() -> None:
    framer = Framer()
    framer.feed(GREETING)
    piece = b"x" * 1000
    began = time.process_time()
    for _ in range(16_000):
        assert framer.feed(piece) == []
    assert time.process_time() - began < 1.0
    assert framer.oversized == 1
    assert sum(map(len, framer._parts)) < 70_000
    assert framer.feed(b"\r\n\r\nA: 1\r\n\r\n") == [b"A: 1"]


@given(
    st.lists(st.binary(max_size=14).map(lambda b: b.replace(b"\r\n\r\n", b"")), max_size=8),
    st.lists(st.integers(min_value=0, max_value=160), max_size=12),
)
def test_where_the_segments_end_changes_nothing(blocks: list[bytes], cuts: list[int]) -> None:
    data = GREETING + b"\r\n\r\n".join(blocks)
    whole = Framer(max_block=8)
    expected = whole.feed(data)
    framer = Framer(max_block=8)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    got = []
    for start, end in pairwise(edges):
        got += framer.feed(data[start:end])
    assert got == expected
    assert framer.version == "11.0.0"
