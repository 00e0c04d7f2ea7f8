"""Normalising, keying and routing subjects."""

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.journey.event import SHARDS, partition_of
from shared.privacy.keys import Keys
from shared.privacy.pseudonyms import InvalidSubject, Pseudonymiser, normalise_subject

KEYS = Keys(bytes(range(32)), {1: bytes(range(32, 64))}, bytes(range(64, 96)))


@pytest.mark.parametrize(
    "written",
    [
        "tel:+33612345678",
        "tel:06 12 34 56 78",
        "TEL:06.12.34.56.78",
        "tel: 06-12-34-56-78 ",
        "tel:0033612345678",
        "tel:+33 (0)6 12 34 56 78",
        "tel:+33\u00a06\u202f12 34 56 78",
        "tel:٠٦١٢٣٤٥٦٧٨",
    ],
)
def test_telephone_numbers_become_e164(written: str) -> None:
    """However a number is written, it is one person."""
    assert normalise_subject(written, "FR") == "tel:+33612345678"


@pytest.mark.parametrize(
    ("written", "region", "normalised"),
    [
        ("tel:(816) 513-1313", "US", "tel:+18165131313"),
        ("tel:816-513-1313", "FR", None),
        ("tel:+1 816 513 1313", "FR", "tel:+18165131313"),
        ("tel:0470 12 34 56", "BE", "tel:+32470123456"),
        ("tel:06 39 98 00 01", "FR", "tel:+33639980001"),
        ("tel:+33123456789;ext=42", "FR", "tel:+33123456789;ext=42"),
    ],
)
def test_region_is_that_of_numbers_without_plus(written: str, region: str, normalised: str | None) -> None:
    """The site's region completes a national number; an extension tells two people of one office apart."""
    if normalised is None:
        with pytest.raises(InvalidSubject):
            normalise_subject(written, region)
    else:
        assert normalise_subject(written, region) == normalised


@pytest.mark.parametrize(
    "text", ["tel:", "tel:abc", "tel:12", "tel:3939", "tel:" + "1" * 400, "tel:0612345678 poste 12"]
)
def test_impossible_telephone_number_is_refused_by_reason(text: str) -> None:
    """What no telephone can have is refused; the error does not repeat it."""
    with pytest.raises(InvalidSubject) as refusal:
        normalise_subject(text, "FR")
    assert refusal.value.reason == "invalid_phone_number"
    assert text[4:] == "" or text[4:] not in str(refusal.value)


def test_addresses_are_lower_cased_and_stripped() -> None:
    """Capitals and blanks make no other person."""
    assert normalise_subject("MailTo: Jean.Dupont@Exemple.FR ", "FR") == "mailto:jean.dupont@exemple.fr"
    assert normalise_subject("mailto:élodie@mairie.fr", "FR") == "mailto:élodie@mairie.fr"


@pytest.mark.parametrize(
    "text",
    [
        "mailto:",
        "mailto:jean",
        "mailto:@x.fr",
        "mailto:a@",
        "mailto:a@.",
        "mailto:a@b@c",
        "mailto:a b@c.fr",
        "mailto:a@b.fr?subject=x",
        "mailto:a@b.fr,c@d.fr",
        "mailto:" + "a" * 300 + "@b.fr",
    ],
)
def test_impossible_address_is_refused_by_reason(text: str) -> None:
    """What is no single e-mail address is refused."""
    with pytest.raises(InvalidSubject) as refusal:
        normalise_subject(text, "FR")
    assert refusal.value.reason == "invalid_email_address"


def test_accounts_are_stripped_and_keep_their_case() -> None:
    """An account is whatever the system calls it, but an empty one would be everybody."""
    assert normalise_subject("Account:  Ab-12 ", "FR") == "account:Ab-12"
    with pytest.raises(InvalidSubject) as refusal:
        normalise_subject("account:  ", "FR")
    assert refusal.value.reason == "empty_account"


@pytest.mark.parametrize(
    "text",
    ["", " x ", "06 12 34 56 78", "Jean@Exemple.fr", "urn:Person:A", "telephone:06", " tel:06", "tel", ":", "TEL06"],
)
def test_texts_without_a_prefix_are_kept_exactly(text: str) -> None:
    """Nothing is guessed from a text that does not say what it is."""
    assert normalise_subject(text, "FR") == text


@given(st.text(max_size=60), st.sampled_from(["", "tel:", "mailto:", "account:", "tel:+33", "mailto:a@"]))
def test_normal_form_is_stable(text: str, prefix: str) -> None:
    """A normal form is its own normal form, whatever the text; anything else is a typed refusal."""
    try:
        normalised = normalise_subject(prefix + text, "FR")
    except InvalidSubject:
        return
    assert normalise_subject(normalised, "FR") == normalised


@given(st.text(), st.sampled_from("psc"))
def test_pseudonym_is_a_truncated_hmac(text: str, kind: str) -> None:
    """The pseudonym is HMAC-SHA256 of the standard library, truncated to 16 bytes, in base64url, with kind and epoch."""
    found = Pseudonymiser(KEYS).pseudonym(kind, text)
    digest = hmac.digest(KEYS.pseudonym[1], f"{kind}:{text}".encode(), hashlib.sha256)
    assert found == f"{kind}1-{base64.urlsafe_b64encode(digest[:16]).decode().rstrip('=')}"
    assert re.fullmatch(r"[psc]1-[A-Za-z0-9_-]{22}", found)


@given(st.text())
def test_shard_is_an_hmac_too(text: str) -> None:
    """The shard is HMAC-SHA256 of the standard library, with the routing key, modulo 1,024."""
    shard = int.from_bytes(hmac.digest(KEYS.routing, text.encode(), hashlib.sha256), "big") % 1024
    assert Pseudonymiser(KEYS).shard(text) == shard


def test_kinds_of_one_text_cannot_be_linked() -> None:
    """A session named like a subject has nothing in common with that person's pseudonym."""
    keyed = Pseudonymiser(KEYS)
    assert len({keyed.pseudonym(kind, "tel:+33612345678")[3:] for kind in "psc"}) == 3


def test_latest_epoch_keys_and_routing_stays() -> None:
    """A new epoch changes pseudonyms and shows in them; shards stay what they were."""
    later = Keys(KEYS.routing, {1: KEYS.pseudonym[1], 2: b"2" * 32}, KEYS.sealing)
    first, second = Pseudonymiser(KEYS), Pseudonymiser(later)
    assert second.pseudonym("p", "x").startswith("p2-")
    assert second.pseudonym("p", "x")[3:] != first.pseudonym("p", "x")[3:]
    assert [first.shard(str(number)) for number in range(50)] == [second.shard(str(n)) for n in range(50)]


def test_partitions_are_all_used() -> None:
    """Subjects spread over all partitions about evenly."""
    keyed = Pseudonymiser(KEYS)
    counts = [0] * 8
    for number in range(8_000):
        counts[partition_of(keyed.shard(f"account:{number}"), 8)] += 1
    assert min(counts) > 850
    assert max(counts) < 1_150


def test_lone_surrogates_are_keyed_too() -> None:
    """A text that UTF-8 cannot say still has one pseudonym and one shard."""
    keyed = Pseudonymiser(KEYS)
    assert keyed.pseudonym("p", "\ud800") != keyed.pseudonym("p", "\ud801")
    assert 0 <= keyed.shard("\ud800") < SHARDS
