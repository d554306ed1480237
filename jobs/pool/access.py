"""Reads who may send requests to the embedded pool, from a YAML file that a person wrote.

A file and not options, because `pool up` is typed again and again, and must not open a pool by what it leaves out.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from jobs.spec.site_text import mistake
from jobs.spec.units import MegabitsPerSecond
from jobs.spec.yaml_file import read_yaml
from sonic.server.access import OPEN, Access, Tls, Tokens
from sonic.server.tokens import make_signing_key
from sonic.server.triton import LOOPBACK

if TYPE_CHECKING:
    from typing import Self

__all__ = ["AccessFile", "keys_folder", "read_access"]

OWN = "own"
"""The word for tokens that the pool itself signs."""

_Text = Annotated[str, Field(min_length=1)]


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TlsKeys(_Keys):
    """What the endpoint shows its clients, and whom it lets in."""

    certificate: _Text = Field(examples=["host.pem"], description="PEM file of the certificate and its chain")
    key: _Text = Field(examples=["host.key"], description="PEM file of its private key, for its owner alone")
    client_ca: _Text | None = Field(
        None, description="PEM file of the CAs whose clients are let in; then every client needs a certificate"
    )


class TokenKeys(_Keys):
    """Which tokens a client must bring."""

    issuer: _Text = Field(examples=["https://tokens.example.org"], description="What a token's `iss` must be")
    audiences: tuple[_Text, ...] = Field(
        min_length=1, examples=["[https://pool.example.org]"], description="One of these must be in its `aud`"
    )
    jwks: _Text = Field(examples=["jwks.json"], description="File of the issuer's public keys, a JSON Web Key Set")


class AccessFile(_Keys):
    """Who may send requests, and how fast."""

    address: str = Field(LOOPBACK, description="IPv4 address of this machine that clients go to")
    tls: TlsKeys | None = Field(None, description="By default plain text")
    tokens: Literal["own"] | TokenKeys | None = Field(
        None, description=f"By default none are asked for; `{OWN}` are those of `sonicgrid pool token`"
    )
    limit_mbps: MegabitsPerSecond | None = Field(
        None, alias="limit", gt=0, description="Most that all requests together may take; by default no limit"
    )

    @field_validator("address")
    @classmethod
    def _an_address(cls, address: str) -> str:
        try:
            return str(ipaddress.IPv4Address(address))
        except ipaddress.AddressValueError as error:
            raise mistake(f"{address!r} is no IPv4 address", "write one of this machine's, like 10.1.2.3") from error

    @model_validator(mode="after")
    def _not_open_to_the_world(self) -> Self:
        if ipaddress.IPv4Address(self.address).is_loopback:
            return self
        if self.tls is None:
            what = "lets other machines in without TLS"
            raise mistake(f"{self.address} {what}", "add tls: with certificate: and key:", "address")
        if self.tls.client_ca is None and self.tokens is None:
            what = "lets in everybody who can reach it"
            raise mistake(f"{self.address} {what}", f"add tokens: {OWN}, or client_ca: under tls:", "address")
        return self


def keys_folder(pool: Path) -> Path:
    """Return where a pool keeps the key that signs its own tokens."""
    return pool / "keys"


def read_access(file: Path | None, pool: Path) -> tuple[str, Access]:
    """Return the address that clients go to and what is asked of them; without a file, loopback and nothing.

    Args:
        file: the YAML file; what it names lies relative to it.
        pool: the pool's folder, which gets a signing key where the file wants the pool's own tokens.

    Raises:
        ConfigError: with every problem of the file.
        SetupFailed: the signing key cannot be kept.

    """
    if file is None:
        return LOOPBACK, OPEN
    read = read_yaml(file, AccessFile)

    def path(name: str) -> Path:
        return (file.parent / Path(name).expanduser()).absolute()

    tls = tokens = None
    if read.tls is not None:
        client_ca = path(read.tls.client_ca) if read.tls.client_ca is not None else None
        tls = Tls(path(read.tls.certificate), path(read.tls.key), client_ca)
    if isinstance(read.tokens, TokenKeys):
        tokens = Tokens(read.tokens.issuer, read.tokens.audiences, path(read.tokens.jwks))
    elif read.tokens is not None:
        tokens = make_signing_key(keys_folder(pool))
    return read.address, Access(tls, tokens, read.limit_mbps)
