"""Tokens: 256 random bits after the name of the stream that they are bound to. Only their digest is kept."""

from base64 import urlsafe_b64encode
from hashlib import sha256

from runline.engine.ids import Entropy
from runline.gateway.limits import TOKEN_LENGTH_MAX


def new_token(stream: str, entropy: Entropy) -> str:
    """A new opaque token of a stream."""
    return f"{stream}.{new_device(entropy)}"


def stream_of(token: str) -> str:
    """The stream that a token names; "" if it names none."""
    return token.rpartition(".")[0] if len(token) <= TOKEN_LENGTH_MAX else ""


def new_device(entropy: Entropy) -> str:
    """A new token of a device: by it, a device that somebody has signed in from is told from strange ones."""
    return urlsafe_b64encode(entropy(32)).rstrip(b"=").decode()


def device_name(stream: str, user: str, device: str) -> str:
    """What is kept of a device for one user: 128 bits of a digest, another one for each user."""
    return sha256(f"{stream}/{user}/{device}".encode()).hexdigest()[:32]


def session_name(token: str) -> str:
    """The name of a token's session: 128 bits of its digest, from which the token cannot be found."""
    return sha256(token.encode()).hexdigest()[:32]
