"""Writing over the write-ahead log of PostgreSQL, which keeps what was deleted until its files are used again."""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

from headgate.ledger.database import Swept

MAY = """
SELECT has_function_privilege('pg_switch_wal()', 'execute'), has_function_privilege('pg_ls_waldir()', 'execute'),
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
  OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint' AND pg_has_role(oid, 'USAGE'))
"""
GRANTS = "GRANT pg_checkpoint, pg_monitor TO {0}; GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {0}"
WHERE = "SELECT pg_walfile_name(pg_current_wal_insert_lsn())"
SEGMENT = re.compile(r"[0-9A-F]{24}")
ROUNDS = 4_096  # of 16 MB; more log than any server keeps


# Files of the database that no table has. A checkpoint took those of dropped tables away before.
STRAYS = """
SELECT path FROM (
  SELECT format('base/%s/%s', one.oid, name) AS path, split_part(name, '.', 1)::oid AS node, one.dattablespace AS space
  FROM pg_database one, pg_ls_dir(format('base/%s', one.oid)) name
  WHERE one.datname = current_database() AND name ~ '^[0-9]+([.][0-9]+)?$'
) AS files
WHERE pg_filenode_relation(space, node) IS NULL AND (pg_stat_file(path, true)).size > 0
"""
LISTED = """
SELECT has_function_privilege('pg_ls_dir(text)', 'execute')
  AND has_function_privilege('pg_stat_file(text,boolean)', 'execute')
"""


def wal_files(connection: Connection) -> list[str] | None:
    """Names of the files of the log; None where we may not see them."""
    if not connection.scalar(text("SELECT has_function_privilege('pg_ls_waldir()', 'execute')")):
        return None
    names = connection.execute(text("SELECT name FROM pg_ls_waldir()")).scalars()
    return sorted(name for name in names if SEGMENT.fullmatch(name))


def turn_over(connection: Connection, swept: Swept) -> None:
    """Writes over every file of the log that was there before; says which the server holds back.

    A checkpoint lets old files be used again under later names, with the old bytes in them. Each switch to the next
    file fills the rest of the present one with zeros, so switching until the last of them is passed leaves none.
    """
    may_switch, may_list, may_check = connection.execute(text(MAY)).one()
    if not (may_switch and may_list and may_check):
        user = connection.scalar(text("SELECT quote_ident(current_user)"))
        swept.left.append(f"write-ahead log of the database: turning it over takes {GRANTS.format(user)}")
        return
    last_old = _place(str(connection.scalar(text(WHERE))))
    _next(connection)
    connection.exec_driver_sql("CHECKPOINT")
    reused = max(map(_place, wal_files(connection) or []), default=last_old)
    for _ in range(ROUNDS):
        if _place(str(connection.scalar(text(WHERE)))) > reused:
            break
        _next(connection)
    connection.exec_driver_sql("CHECKPOINT")
    held = [name for name in wal_files(connection) or [] if _place(name) <= last_old]
    if held:
        why = "an archive that lags behind, a replication slot or wal_keep_size holds them"
        swept.left.append(f"{len(held)} files of the write-ahead log, {held[0]} to {held[-1]}: {why}")


def unreachable_copies(connection: Connection, swept: Swept) -> None:
    """Names copies that only an administrator can look after, where the server says that there are any."""
    ask = connection.execute(
        text(
            "SELECT current_setting('archive_mode'), (SELECT count(*) FROM pg_stat_replication), "
            "(SELECT count(*) FROM pg_replication_slots), current_setting('log_statement'), "
            "current_setting('log_min_duration_statement'), pg_current_wal_lsn()"
        )
    ).one()
    if connection.scalar(text(LISTED)):
        for path in connection.execute(text(STRAYS)).scalars().all():
            why = "no table has it: left by a server that was killed; remove it while the server is stopped"
            swept.left.append(f"{path} in the folder of the server: {why}")
    archive, replicas, slots, statements, duration, position = ask
    if archive != "off":
        swept.left.append(
            f"archived write-ahead log (archive_mode = {archive}): remove what was archived before {position}"
        )
    if replicas or slots:
        swept.left.append(f"{replicas} replicas and {slots} replication slots: each has a write-ahead log of its own")
    if statements in ("mod", "all") or duration != "-1":
        swept.left.append("the log of the server: it is set to write statements down, with the words in them")


def _place(name: str) -> int:
    """The place of a file in the log, whatever its timeline."""
    return int(name[8:], 16)


def _next(connection: Connection) -> None:
    # A switch right after a switch does nothing, so something is written first.
    connection.execute(text("SELECT pg_logical_emit_message(false, 'headgate', 'turnover')"))
    connection.execute(text("SELECT pg_switch_wal()"))
