"""python compose/certificate.py FOLDER: a self-signed certificate for HINTLINE_HOSTS.

One that is there already is left alone.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CHAIN, KEY = "fullchain.pem", "privkey.pem"
# Apple's systems trust no longer ones, whoever has signed them.
VALID = timedelta(days=825)


def general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return x509.DNSName(host)


def self_signed(hosts: list[str]) -> tuple[bytes, bytes]:
    """Certificate and private key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(map(general_name, hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def write(path: Path, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def main(folder: Path, hosts: list[str]) -> str | None:
    there = [name for name in (CHAIN, KEY) if (folder / name).exists()]
    if there:
        alone = f"{folder} has {there[0]} alone: it needs {CHAIN} and {KEY}"
        return None if len(there) == 2 else alone
    chain, key = self_signed(hosts)
    write(folder / CHAIN, chain, 0o644)
    write(folder / KEY, key, 0o600)
    return None


if __name__ == "__main__":
    names = os.environ.get("HINTLINE_HOSTS") or "localhost"
    sys.exit(main(Path(sys.argv[1]), names.split(",")))
