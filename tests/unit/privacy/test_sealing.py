"""Sealing refused payloads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigurationError
from shared.privacy.sealing import OVERHEAD_BYTES, SealBroken, Sealer

SEALER = Sealer(b"k" * 32)


@given(st.binary())
def test_what_is_sealed_is_opened(plain: bytes) -> None:
    """Opening gives back what was sealed; the sealed form has a fixed overhead and differs each time."""
    sealed = SEALER.seal(plain)
    assert SEALER.open(sealed) == plain
    assert len(sealed) == len(plain) + OVERHEAD_BYTES
    assert SEALER.seal(plain) != sealed


def test_content_does_not_show() -> None:
    """Nothing of the payload can be read in the sealed bytes."""
    assert b"tel:+33612345678" not in SEALER.seal(b'{"subject": "tel:+33612345678"}')


@given(st.binary(max_size=40), st.data())
def test_changed_content_is_refused(plain: bytes, data: st.DataObject) -> None:
    """Any changed bit, the version's too, any missing end, and another key are refused by type."""
    sealed = bytearray(SEALER.seal(plain))
    with pytest.raises(SealBroken):
        Sealer(b"x" * 32).open(bytes(sealed))
    with pytest.raises(SealBroken):
        SEALER.open(bytes(sealed[: data.draw(st.integers(0, len(sealed) - 1))]))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBroken):
        SEALER.open(bytes(sealed))


def test_key_of_another_length_is_refused() -> None:
    """Only AES-256 is used."""
    with pytest.raises(ConfigurationError, match="16 bytes"):
        Sealer(b"k" * 16)
