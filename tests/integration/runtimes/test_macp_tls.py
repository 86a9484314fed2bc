"""The adapter over TLS."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runs.errors import RuntimeUnavailable
from tests.integration.runtimes.conftest import Connect
from tests.integration.runtimes.sessions import NewPlan, ids, started
from tests.real_runtime import RealRuntime
from tests.streams import take_envelopes

pytestmark = pytest.mark.macp_runtime


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that only those trust who are told to, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "runtime.pem", folder / "runtime.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


async def test_a_runtime_is_reached_over_tls_only_with_its_root_certificate(
    tmp_path: Path, connect: Connect, new_plan: NewPlan
) -> None:
    real = RealRuntime(participants=("lead", "ann", "bob"), certificate=self_signed(tmp_path))
    await real.start()
    try:
        runtime = connect(real.settings())
        session = await started(runtime, new_plan())
        assert len(ids(await take_envelopes(session.observe(0), 1))) == 1

        for wrong in (
            replace(real.settings(), tls_ca_file=""),
            replace(real.settings(), tls=False, allow_insecure=True),
        ):
            with pytest.raises(RuntimeUnavailable):
                await connect(wrong).initialize()
    finally:
        real.kill()
