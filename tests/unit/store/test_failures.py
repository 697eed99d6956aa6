from ctid.store.errors import StoreReason
from ctid.store.failures import _MENDING


def test_every_reason_has_its_mending() -> None:
    for reason in StoreReason:
        if reason is not StoreReason.SCHEMA_TOO_NEW:
            assert _MENDING[reason]
