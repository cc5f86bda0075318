"""A certificate for this machine alone: the portal sends browsers to https addresses only."""

from __future__ import annotations

import datetime
import importlib.util
import ipaddress
import ssl
import tempfile
from pathlib import Path

from airflow_socrata.client.errors import ConfigurationError

_LIFETIME = datetime.timedelta(days=1)


def server_context(host: str) -> ssl.SSLContext:
    """Return the TLS settings of a server on a loopback address, with a certificate made now and never kept.

    :param host: what the certificate is for.
    :raises ConfigurationError: there is nothing to make a certificate with.
    """
    if importlib.util.find_spec("cryptography") is None:
        raise ConfigurationError("a certificate cannot be made without the package cryptography: use --paste")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(prefix="portal-sign-in-") as folder:
        # Into a folder that nobody else can read, and gone when it is loaded: OpenSSL takes files alone.
        file = Path(folder) / "both.pem"
        file.write_bytes(_make(host))
        context.load_cert_chain(file)
    return context


def _make(host: str) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    try:
        names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(host))]
    except ValueError:
        names = [x509.DNSName(host)]
    certificate = (
        x509
        .CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
