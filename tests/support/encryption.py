"""Certificates for servers on this machine, and servers that speak TLS beside plain text."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import quote

import trustme

from dispatcher.embedded import HOST, EmbeddedRedis, free_port
from tests.support.access import as_user, server_with_users


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Files of one authority and of one server it vouches for."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def issue(cls, folder: Path, *, host: str = HOST, lifetime: timedelta | None = None) -> Self:
        """Make an authority and have it vouch for a host; a negative lifetime is over already."""
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        ends = None if lifetime is None else datetime.now(UTC) + lifetime
        issued = authority.issue_cert(host, not_after=ends)
        made = cls(
            authority=folder / "ca.pem", certificate=folder / "cert.pem", key=folder / "key.pem"
        )
        authority.cert_pem.write_to_path(made.authority)
        issued.private_key_pem.write_to_path(made.key)
        for n, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(made.certificate, append=n > 0)
        return made


@dataclass(frozen=True, kw_only=True)
class EncryptedServer:
    """A server of Redis that also listens for TLS, and knows the users of deploy/users.acl."""

    redis: EmbeddedRedis
    port: int
    trusted: Path

    @classmethod
    def prepare(cls, folder: Path, binary: Path, certificates: Certificates) -> Self:
        port = free_port()
        options = {
            "tls-port": str(port),
            "tls-cert-file": str(certificates.certificate),
            "tls-key-file": str(certificates.key),
            "tls-ca-cert-file": str(certificates.authority),
            "tls-auth-clients": "no",
        }
        redis = server_with_users(folder, binary=binary, options=options)
        return cls(redis=redis, port=port, trusted=certificates.authority)

    def url(self, user: str, database: int = 0, *, trusted: Path | None = None) -> str:
        authority = quote(str(trusted or self.trusted))
        return (
            f"{as_user(f'rediss://{HOST}:{self.port}/{database}', user)}?ssl_ca_certs={authority}"
        )
