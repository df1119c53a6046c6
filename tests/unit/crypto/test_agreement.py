"""What two parties share after they have seen each other's public keys."""

import secrets

import pytest

from isthmus.crypto.agreement import KEY_BYTES, KeyPair, seal, unseal


def pair() -> tuple[KeyPair, KeyPair]:
    return KeyPair(secrets.token_bytes(KEY_BYTES)), KeyPair(secrets.token_bytes(KEY_BYTES))


class TestKeyPair:
    def test_gives_both_the_same_key(self) -> None:
        ours, theirs = pair()
        key = ours.shared(theirs.public, b"round 1", "mask")
        assert key == theirs.shared(ours.public, b"round 1", "mask")
        assert len(key) == KEY_BYTES

    def test_gives_other_keys_in_other_contexts_for_other_purposes_and_with_others(self) -> None:
        ours, theirs = pair()
        keys = {
            ours.shared(theirs.public, b"round 1", "mask"),
            ours.shared(theirs.public, b"round 2", "mask"),
            ours.shared(theirs.public, b"round 1", "notes"),
            ours.shared(pair()[0].public, b"round 1", "mask"),
        }
        assert len(keys) == 4

    def test_of_the_same_secret_is_the_same(self) -> None:
        secret = secrets.token_bytes(KEY_BYTES)
        assert KeyPair(secret).public == KeyPair(secret).public

    def test_refuses_a_public_key_that_leads_every_secret_to_the_same(self) -> None:
        with pytest.raises(ValueError, match=r".*"):
            pair()[0].shared(bytes(KEY_BYTES), b"", "mask")


class TestSeal:
    def test_can_be_undone_with_the_same_key_only(self) -> None:
        key = secrets.token_bytes(KEY_BYTES)
        sealed = seal(key, b"a note")
        assert unseal(key, sealed) == b"a note"
        assert b"a note" not in sealed
        with pytest.raises(ValueError, match="was not sealed with this key"):
            unseal(secrets.token_bytes(KEY_BYTES), sealed)

    @pytest.mark.parametrize("at", [0, -1], ids=["first", "last"])
    def test_shows_every_change(self, at: int) -> None:
        key = secrets.token_bytes(KEY_BYTES)
        sealed = bytearray(seal(key, b"a note"))
        sealed[at] ^= 1
        with pytest.raises(ValueError, match="changed on its way"):
            unseal(key, bytes(sealed))
