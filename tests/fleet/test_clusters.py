from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.fleet import clusters
from dse.fleet.address import Address
from dse.fleet.certificates import Certificates, make_certificates
from dse.fleet.clusters import HostForm, read_hosts, slurm_cluster
from dse.fleet.folder import FleetFolder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_of_hosts(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text("hosts:\n  - board\n  - host: user@server\n    dse: /opt/dse\n")
    assert read_hosts(file) == [
        HostForm(host="board"),
        HostForm(host="user@server", dse="/opt/dse"),
    ]
    for text in ("hosts: []\n", "hosts:\n  - -oProxyCommand=x\n", "hosts:\n  - name: x\n"):
        file.write_text(text)
        with pytest.raises(RequestError, match=r"hosts\.yaml"):
            read_hosts(file)


def test_a_node_gets_its_own_key_only(tmp_path: Path) -> None:
    made = Certificates(tmp_path / "made")
    make_certificates(made.folder)
    with tarfile.open(fileobj=io.BytesIO(clusters._parcel(made))) as archive:
        assert archive.getnames() == ["ca.pem", "node.pem", "node-key.pem"]
        assert {entry.mode for entry in archive} == {0o600}


def test_a_node_is_started_by_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nwc -c\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    host = HostForm(host="user@server", folder="/a b")
    address = Address("tls", "head", 1)
    started = clusters._start_remote(host, address, b"parcel", tmp_path / "log")
    assert started.process.wait(60) == 0
    *_, where, script, size = (tmp_path / "log").read_text().splitlines()
    assert where == "user@server"
    assert script.startswith("umask 077 && mkdir -p .dse-fleet && tar -x")
    node = "dse fleet node tls://head:1 --certificates .dse-fleet --once --folder '/a b'"
    assert script.endswith(f"exec {node}")
    assert size.strip() == "6"


def test_a_job_script_starts_nodes(here: Path) -> None:
    script = here / "job.sh"
    script.write_text("#!/bin/sh\nsleep 1\n")
    with (
        pytest.raises(RequestError, match="this job starts no node; add srun dse fleet node"),
        slurm_cluster(FleetFolder.of("a"), script, None),
    ):
        pass
