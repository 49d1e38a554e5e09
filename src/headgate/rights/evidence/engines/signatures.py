"""Signatures over folders with OpenSSF model signing: a sigstore bundle, made with a key of one's own, offline."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from model_signing import hashing, signing, verifying

from headgate.kit.errors import Refused

CURVES = ("secp256r1", "secp384r1", "secp521r1")
WANTED_PRIVATE = "a private key on P-256, P-384 or P-521, as PEM: openssl ecparam -genkey -name prime256v1 -noout"
WANTED_PUBLIC = "the public half of the key, as PEM: openssl ec -in KEY -pubout"


def sign(folder: Path, signature: Path, key: Path, password: bytes | None) -> None:
    """Writes a signature over every file of a folder.

    Raises:
        Refused: not a key that can sign, or a folder that cannot be signed (it holds a link).
    """
    try:
        loaded = load_pem_private_key(key.read_bytes(), password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused("not a private key", file=str(key), found=str(error), wanted=WANTED_PRIVATE) from None
    if not isinstance(loaded, EllipticCurvePrivateKey) or loaded.curve.name not in CURVES:
        raise Refused("a key of another kind", file=str(key), wanted=WANTED_PRIVATE)
    # The library says text and hands it on to where bytes are wanted.
    config = signing.Config().use_elliptic_key_signer(private_key=key, password=password)  # type: ignore[arg-type]
    try:
        config.set_hashing_config(_everything()).sign(folder, signature)
    except ValueError as error:
        raise Refused("the folder cannot be signed", file=str(folder), found=str(error)) from None


def problem(folder: Path, signature: Path, key: Path) -> str:
    """Why a signature does not hold for a folder and a public key; empty where it holds.

    Raises:
        Refused: not a public key.
    """
    try:
        loaded = load_pem_public_key(key.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused("not a public key", file=str(key), found=str(error), wanted=WANTED_PUBLIC) from None
    if not isinstance(loaded, EllipticCurvePublicKey) or loaded.curve.name not in CURVES:
        raise Refused("a key of another kind", file=str(key), wanted=WANTED_PUBLIC)
    config = verifying.Config().use_elliptic_key_verifier(public_key=key)
    try:
        config.set_hashing_config(_everything()).verify(folder, signature)
    except InvalidSignature:
        return "the signature was not made with this key"
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:  # whatever a damaged bundle breaks
        return _plain(str(error)) or f"the signature cannot be read: {type(error).__name__} {error}".rstrip()
    return ""


def _plain(told: str) -> str:
    """What the library found, without the digests in its own notation; empty where it found nothing of the kind."""
    if told.startswith("Key mismatch"):
        return "the signature was not made with this key"
    found = [f"another content: {name}" for name in re.findall(r"Hash mismatch for \\?'(.+?)\\?': Expected", told)]
    for words, title in (("Extra files found", "not signed"), ("Missing files", "missing")):
        found += [f"{title}: {names}" for names in re.findall(rf"{words} in model '.*?': (.+?)[\"'][,\]]", told)]
    return "; ".join(found)


def _everything() -> hashing.Config:
    # The library would leave out .git and .gitignore by default: files that nobody vouches for.
    return hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False)
