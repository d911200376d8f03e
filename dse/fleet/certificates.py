"""The certificates of a fleet: an authority of its own, and one for each role."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError, UnavailableError
from dse.core.paths import read_regular, writing_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROLES = ("scheduler", "node", "client")
AUTHORITY = "ca"
DAYS = 825
"""The validity: no system accepts server certificates that are valid for longer."""
MARGIN = timedelta(hours=1)
"""A certificate is valid from so long ago, as clocks differ."""
REMEDY = "pip install 'mlperf-dse[fleet]'"
FIELD = "--certificates"
COPY = "copy it from where `dse fleet certificates` has made it"
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Certificates:
    """A folder with the certificates of a fleet.

    A node needs ``ca.pem``, ``node.pem`` and ``node-key.pem`` of it only.

    Attributes:
        folder: where they lie.
    """

    folder: Path

    def certificate(self, role: str) -> Path:
        """The file of a role's certificate."""
        return self.folder / f"{role}.pem"

    def key(self, role: str) -> Path:
        """The file of a role's private key."""
        return self.folder / f"{role}-key.pem"

    @property
    def authority(self) -> Path:
        """The file of the certificate by which the others are known."""
        return self.certificate(AUTHORITY)

    def check(self, role: str) -> None:
        """Checks that a role can use its files.

        Both sides refuse a certificate that is not of the fleet or not of these days, but only the
        other side's log says so.

        Raises:
            RequestError: one is missing, can't be read, does not fit the others or the time, or the
                key is open to other users.
            UnavailableError: the library ``cryptography`` is not installed.
        """
        for file in (self.authority, self.certificate(role), self.key(role)):
            try:
                mode = file.stat().st_mode
                with file.open("rb"):
                    pass
            except OSError as error:
                raise RequestError(
                    f"the {role}'s certificate can't be read: {error.strerror}",
                    file=file,
                    field=FIELD,
                    remedy=COPY,
                ) from error
        if stat.S_IMODE(mode) & 0o077:
            problem = "other users can read this private key"
            raise RequestError(problem, file=file, remedy=f"chmod 600 {file}")
        self._check_fit(role)

    def _check_fit(self, role: str) -> None:
        """Checks that the files of a role belong together and are valid now.

        Raises:
            RequestError: they do not, or they are not.
        """
        x509: Any = _library("cryptography.x509")
        forms: Any = _library("cryptography.hazmat.primitives.serialization")
        authorities = _parsed(self.authority, x509.load_pem_x509_certificates)
        own, *chain = _parsed(self.certificate(role), x509.load_pem_x509_certificates)
        key = _parsed(self.key(role), lambda data: forms.load_pem_private_key(data, None))
        if own.public_key() != key.public_key():
            problem = f"is not the private key of {self.certificate(role).name}"
            raise RequestError(problem, file=self.key(role), field=FIELD, remedy=COPY)
        if not any(_has_issued(each, own) for each in (*chain, *authorities)):
            problem = f"was not signed by the authority of {self.authority.name}"
            file = self.certificate(role)
            raise RequestError(problem, file=file, field=FIELD, remedy=COPY)
        _check_time(self.certificate(role), own)
        for authority in authorities if len(authorities) == 1 else ():
            _check_time(self.authority, authority)

    def security_fields(self, role: str) -> dict[str, Any]:
        """The fields of `distributed.Security` for a role, which Dask calls worker where it is one.

        Raises:
            RequestError: see `check`.
        """
        self.check(role)
        name = "worker" if role == "node" else role
        return {
            "require_encryption": True,
            "tls_ca_file": str(self.authority),
            f"tls_{name}_cert": str(self.certificate(role)),
            f"tls_{name}_key": str(self.key(role)),
        }


def make_certificates(folder: Path, days: int = DAYS) -> list[Path]:
    """Makes an authority and the certificates of all roles.

    Args:
        folder: where they go; private keys are open to their owner only.
        days: how long they are valid.

    Returns:
        The files, the authority's first.

    Raises:
        RequestError: there are some already.
        UnavailableError: the library ``cryptography`` is not installed.
        DseError: the folder can't be written.
    """
    found = Certificates(folder)
    names = (AUTHORITY, *ROLES)
    files = [file for name in names for file in (found.certificate(name), found.key(name))]
    for file in files:
        if file.exists():
            raise RequestError(
                "is there already",
                file=file,
                remedy="choose another folder, or remove all of its files first",
            )
    maker = _Maker(days)
    made = maker.make(AUTHORITY, server=False, client=False)
    for role in ROLES:
        made |= maker.make(role, server=role != "client", client=True)
    with writing_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in files:
            _write_private(file, made[file.name])
    return files


def _parsed(file: Path, parse: Callable[[bytes], Any]) -> Any:
    try:
        return parse(read_regular(file, MAX_BYTES))
    except (OSError, ValueError, TypeError) as error:
        problem = "is no certificate and no private key without a password"
        raise RequestError(problem, file=file, field=FIELD, remedy=COPY) from error


def _has_issued(authority: Any, certificate: Any) -> bool:
    invalid: Any = _library("cryptography.exceptions").InvalidSignature
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, invalid):
        return False
    return True


def _check_time(file: Path, certificate: Any) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    now = datetime.now(UTC)
    if begins <= now <= ends:
        return
    told = f"is not valid before {begins:%Y-%m-%d %H:%M}" if now < begins else ""
    raise RequestError(
        f"{told or f'has expired on {ends:%Y-%m-%d %H:%M}'} UTC",
        file=file,
        field=FIELD,
        remedy="check the clock, or make new ones for all machines: `dse fleet certificates`",
    )


def _write_private(file: Path, content: bytes) -> None:
    mode = 0o600 if file.stem.endswith("-key") else 0o644
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


class _Maker:
    """Makes certificates that one authority has signed.

    A node and the scheduler connect to each other, so that theirs serve on both sides; that of a
    client can't stand for a server.

    Args:
        days: how long they are valid.
    """

    def __init__(self, days: int) -> None:
        self._x509: Any = _library("cryptography.x509")
        self._hashes: Any = _library("cryptography.hazmat.primitives.hashes")
        self._ec: Any = _library("cryptography.hazmat.primitives.asymmetric.ec")
        self._forms: Any = _library("cryptography.hazmat.primitives.serialization")
        self._begins = datetime.now(UTC) - MARGIN
        self._ends = self._begins + timedelta(days=days)
        self._signing: tuple[Any, Any] | None = None

    def make(self, name: str, *, server: bool, client: bool) -> dict[str, bytes]:
        """The content of certificate and key by the name of the file; the first one signs all."""
        x509, forms = self._x509, self._forms
        key = self._ec.generate_private_key(self._ec.SECP256R1())
        subject = self._name(name)
        issuer, signing = self._signing or (subject, key)
        authority = self._signing is None
        uses = x509.oid.ExtendedKeyUsageOID
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._begins)
            .not_valid_after(self._ends)
            .add_extension(
                x509.BasicConstraints(ca=authority, path_length=0 if authority else None),
                critical=True,
            )
            .add_extension(self._key_usage(authority=authority), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
                critical=False,
            )
        )
        if not authority:
            wanted = [uses.SERVER_AUTH] * server + [uses.CLIENT_AUTH] * client
            names = x509.SubjectAlternativeName([x509.DNSName(f"{name}.dse-fleet.invalid")])
            builder = builder.add_extension(x509.ExtendedKeyUsage(wanted), critical=False)
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(signing, self._hashes.SHA256())
        if authority:
            self._signing = (subject, key)
        return {
            f"{name}.pem": certificate.public_bytes(forms.Encoding.PEM),
            f"{name}-key.pem": key.private_bytes(
                forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()
            ),
        }

    def _name(self, name: str) -> Any:
        attribute = self._x509.NameAttribute(
            self._x509.oid.NameOID.COMMON_NAME, f"dse fleet {name}"
        )
        return self._x509.Name([attribute])

    def _key_usage(self, *, authority: bool) -> Any:
        return self._x509.KeyUsage(
            digital_signature=not authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=authority,
            crl_sign=authority,
            encipher_only=False,
            decipher_only=False,
        )


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        problem = f"certificates need the library cryptography: {error}"
        raise UnavailableError(problem, remedy=REMEDY) from error
