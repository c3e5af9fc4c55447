"""A secret can be used, and cannot be seen by accident."""

import copy
import hashlib
import json
import pickle

import pytest

from limen import Secret


def test_only_reveal_gives_the_text():
    secret = Secret("s3cret-text")
    assert secret.reveal() == "s3cret-text"
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{[secret]}"):
        assert "s3cret" not in shown


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_it_is_not_copied_out(leak):
    with pytest.raises(TypeError) as caught:
        leak(Secret("s3cret-text"))
    assert "s3cret" not in str(caught.value)


def test_it_has_no_attributes_to_read_and_no_order():
    secret = Secret("s3cret-text")
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError):
        assert secret < Secret("other")
    with pytest.raises(TypeError):
        len(secret)


def test_equal_texts_are_equal_and_a_text_is_no_secret():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize("text", ["", "plain", "é", "\ud800 alone", "\x00"])
def test_the_digest_is_sha_256_of_any_text(text):
    octets = text.encode("utf-8", "surrogatepass")
    assert Secret(text).digest() == hashlib.sha256(octets).digest()
