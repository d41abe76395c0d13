"""A primary and its standby, the fail-over between them, and the URL that finds the primary.

    with Cluster() as cluster:
        store = omniroute.Desks(cluster.url)
        cluster.fail_over()     # the primary dies, the standby takes over
        cluster.rebuild()       # a new standby where the dead primary was

Synchronous, a commit is acknowledged when the standby has it too: a fail-over loses nothing. With
`synchronous=False` it may lose what was acknowledged, which `hold` makes certain.
"""

from __future__ import annotations

from pathlib import Path

from omniroute.closing import Closes
from tests.rigs.postgres import HOST, SUPERUSER, Port, Server, run, url_of, wait_for

__all__ = ["Cluster"]

_STANDBY = "standby"
_SETTINGS = {"wal_retrieve_retry_interval": "100ms", "wal_receiver_timeout": "10s"}


class Cluster(Closes):
    """Two servers on two ports that stay the same, whoever is primary."""

    def __init__(self, *, synchronous: bool = True, fsync: bool = False) -> None:
        self.synchronous = synchronous
        self._fsync = fsync
        self.primary = Server(fsync=fsync, settings=_SETTINGS)
        try:
            self.standby = self._new_standby(None)
        except BaseException:
            self.primary.close()
            raise

    @property
    def url(self) -> str:
        """What SQLAlchemy takes: both hosts, of which the one that can be written to is used."""
        ports = sorted((self.primary.port, self.standby.port))
        return url_of(*ports, target_session_attrs="read-write", connect_timeout=20)

    def _new_standby(self, port: Port | None) -> Server:
        settings = {**_SETTINGS, "cluster_name": _STANDBY}  # by this name the primary knows it
        standby = Server(fsync=self._fsync, settings=settings, port=port, make=self._copy)
        if self.synchronous:
            self.primary.set("synchronous_standby_names", _STANDBY)
        position = self.primary.execute("SELECT pg_current_wal_lsn()")[0][0]
        wait_for(lambda: self._has(position), "the standby has what the primary has")
        return standby

    def _copy(self, data: Path) -> None:
        source = f"host={HOST} port={self.primary.port} user={SUPERUSER}"
        options = ("-R", "-X", "stream", "-c", "fast", "--no-sync", "-C", "-S", _STANDBY)
        run("pg_basebackup", "-D", data, "-d", source, *options, folder=data.parent)

    def _has(self, position: str) -> bool:
        mode = "sync" if self.synchronous else "async"
        query = (
            f"SELECT 1 FROM pg_stat_replication WHERE application_name = '{_STANDBY}'"
            f" AND sync_state = '{mode}' AND flush_lsn >= '{position}'"
        )
        return bool(self.primary.execute(query))

    def hold(self) -> None:
        """Cut the standby off. What is committed from here on is on the primary alone.

        A synchronous primary acknowledges nothing any more; an asynchronous one goes on as if
        nothing were wrong.
        """
        self.standby.set("primary_conninfo", "")
        query = "SELECT 1 FROM pg_stat_replication"
        wait_for(lambda: not self.primary.execute(query), "the standby is cut off")

    def fail_over(self) -> None:
        """Kill the primary, and promote the standby, which works alone until `rebuild`."""
        self.primary.kill()
        self.standby.set("synchronous_standby_names", "")  # it may have been copied
        self.standby.execute("SELECT pg_promote(wait => true)")
        self.primary, self.standby = self.standby, self.primary

    def rebuild(self) -> None:
        """Put a new standby in the place of the old, on its port; return when it has everything."""
        port = self.standby.give_up_port()
        slots = "SELECT slot_name FROM pg_replication_slots"
        wait_for(
            lambda: not self.primary.execute(f"{slots} WHERE active"), "the old standby is gone"
        )
        self.primary.execute(f"SELECT pg_drop_replication_slot(slot_name) FROM ({slots}) AS slots")
        self.standby = self._new_standby(port)

    def close(self) -> None:
        """Kill both servers and remove their folders."""
        self.primary.close()
        self.standby.close()
