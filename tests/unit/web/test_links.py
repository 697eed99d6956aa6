"""Signed links: nobody else makes one, and each says what it was made for."""

from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.domain.alerts import PageEvent
from ctid.web.links import LINK_SECONDS, AckLinks, Link, sign, until, verify
from tests.alerts import page

SECRET = bytes(range(32))
NUMBER = st.integers(0, 2**32 - 1)
LINKS = st.builds(Link, NUMBER, NUMBER, st.integers(0, 2**64 - 1))


@given(LINKS)
def test_what_was_signed_is_read_again(link: Link) -> None:
    token = sign(SECRET, link)
    assert verify(SECRET, token) == link
    assert len(token) == 43
    assert token.replace("-", "").replace("_", "").isalnum()


@given(LINKS, LINKS)
def test_a_link_is_good_for_one_page_alone(one: Link, other: Link) -> None:
    assert (sign(SECRET, one) == sign(SECRET, other)) is (one == other)


@given(LINKS, st.binary(min_size=32, max_size=32).filter(lambda secret: secret != SECRET))
def test_nobody_signs_without_the_secret(link: Link, other: bytes) -> None:
    assert verify(SECRET, sign(other, link)) is None


@given(LINKS, st.integers(0, 42), st.sampled_from("ABab01-_="))
def test_no_character_can_be_changed(link: Link, place: int, char: str) -> None:
    token = sign(SECRET, link)
    changed = token[:place] + char + token[place + 1 :]
    assert (verify(SECRET, changed) is None) is (changed != token)


@given(st.text() | st.text("ABab01-_=", min_size=41, max_size=45))
def test_what_people_type_is_no_link(text: str) -> None:
    assert verify(SECRET, text) is None


def test_another_alert_cannot_be_put_under_a_signature() -> None:
    mine, other = (sign(SECRET, Link(number, 0, 2_000_000_000)) for number in (1, 2))
    # the number stands in the first six characters
    assert verify(SECRET, other[:6] + mine[6:]) is None
    forged = urlsafe_b64encode(Link(1, 0, 2**40).__repr__().encode()[:32]).decode().rstrip("=")
    assert verify(SECRET, forged) is None


@pytest.mark.parametrize("url", ["https://ctid.example", "https://ctid.example/desk/"])
def test_only_pages_that_can_be_acknowledged_have_a_link(url: str) -> None:
    links = AckLinks(SECRET, url)
    for event in PageEvent:
        told = page(7, 3, event=event)
        link = links.link(told)
        assert (link is not None) is (event in ("firing", "repeat"))
        if link is not None:
            base, _, token = link.rpartition("/a/")
            assert base == url.rstrip("/")
            assert verify(SECRET, token) == Link(7, 3, until(told))
            assert until(told) == int(told.decided_at + LINK_SECONDS)
    assert AckLinks(SECRET, None).link(page()) is None


def test_what_is_not_on_disk_has_no_link() -> None:
    told = page()
    unwritten = replace(told, alert=replace(told.alert, number=-1_795_741_200_000))
    links = AckLinks(SECRET, "https://ctid.example")
    assert links.link(told) is not None
    assert links.link(unwritten) is None
