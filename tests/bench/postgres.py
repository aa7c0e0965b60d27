#!/usr/bin/env python3
"""What PostgreSQL pays for a large table, and what we pay to read it: counts and CPU seconds, never wall time.

    HEADWATER_BIN=target/release/headwater tests/bench/postgres.py [FIGURE…]

Makes a cluster of its own (PG_BIN, by default that of PostgreSQL 15; as the user postgres if started by root) with
lineitem of 6,000,000 rows in HEADWATER_BENCH_DIR or a temporary folder, and ends it. Counts come from the server's own
counters; its CPU from what the kernel charged to all its ended backends. `columns-cpu` needs HEADWATER_CONNECTORX, a
Python with connectorx and pyarrow.
"""

import json
import os
import pwd
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = os.environ.get("HEADWATER_BIN", "target/release/headwater")
PG_BIN = Path(os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin"))
ROWS = int(os.environ.get("BENCH_LINEITEM_ROWS", "6000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
PORT = os.environ.get("BENCH_PG_PORT", "25439")
TICK = os.sysconf("SC_CLK_TCK")
TESTS = Path(__file__).resolve().parent.parent / "it" / "servers"
SETTINGS = {
    "listen_addresses": "'127.0.0.1'", "port": PORT, "fsync": "off", "full_page_writes": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "shared_buffers": "1GB", "max_wal_size": "4GB", "autovacuum": "off",
    "shared_preload_libraries": "pg_stat_statements",
}


class Lab:
    """A running cluster and a data folder of ours."""

    def __init__(self):
        kept = os.environ.get("HEADWATER_BENCH_DIR")
        self.folder = Path(kept or tempfile.mkdtemp(prefix="headwater-bench-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.is_kept, self.failed = bool(kept), False
        self.data, self.ours = self.folder / "cluster", self.folder / "data"
        self.is_root = os.geteuid() == 0
        self.folder.chmod(0o755)
        if not (self.data / "PG_VERSION").exists():
            self.data.mkdir(exist_ok=True)
            if self.is_root:
                who = pwd.getpwnam("postgres")
                os.chown(self.data, who.pw_uid, who.pw_gid)
            self.tool("initdb", "-D", self.data, "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale", "C.UTF-8")
            lines = "".join(f"{key}={value}\n" for key, value in SETTINGS.items())
            with (self.data / "postgresql.conf").open("a") as out:
                out.write(f"{lines}unix_socket_directories='{self.data}'\n")
        self.tool("pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "start")
        self.postmaster = int((self.data / "postmaster.pid").read_text().split("\n")[0])

    def tool(self, name, *arguments):
        command = [str(PG_BIN / name), *map(str, arguments)]
        if self.is_root:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def end(self):
        self.tool("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
        if not self.is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text, database="bench"):
        command = [PG_BIN / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", PORT, "-U", "bench", "-d", database]
        told = subprocess.run([*map(str, command), "-f", "-"], input=text, text=True, stdout=subprocess.PIPE, check=True)
        return told.stdout.strip()

    def url(self, database="bench"):
        return f"postgres://bench@127.0.0.1:{PORT}/{database}?sslmode=disable"

    def run(self, verb, *arguments, database="bench"):
        """Runs the binary: the document on stdout."""
        environment = {**os.environ, "HEADWATER_DATA_DIR": str(self.ours), "HEADWATER_NO_KEYCHAIN": "1"}
        command = [BIN, verb, self.url(database), *map(str, arguments), "--json"]
        ran = subprocess.run(command, capture_output=True, env=environment)
        if ran.returncode != 0:
            sys.exit(f"{verb} {arguments}: ended with {ran.returncode}: {ran.stderr.decode(errors='replace')[-500:]}")
        return json.loads(ran.stdout)

    def served(self, work):
        """CPU seconds of the backends that a work makes and ends."""
        def spent():
            fields = Path(f"/proc/{self.postmaster}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[13]) + int(fields[14])) / TICK
        before = spent()
        work()
        ours = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        while self.sql(ours, "postgres") != "0":
            time.sleep(0.05)
        return spent() - before

    def say(self, what, value, limit=None, unit=""):
        """One figure; a limit makes it `ok` or `OVER`."""
        verdict = ""
        if limit is not None:
            is_ok = value <= limit
            self.failed |= not is_ok
            verdict = f"  limit {limit:,.4g} {unit}  {'ok' if is_ok else 'OVER'}"
        print(f"{what:70} {value:>14,.4g} {unit}{verdict}", flush=True)

    def skip(self, what, why):
        self.failed = True
        print(f"{what:70} not measured: {why}", flush=True)

    def lineitem(self):
        """The table of the tests, larger. Gives its blocks."""
        if self.sql("SELECT 1 FROM pg_database WHERE datname = 'bench'", "postgres") != "1":
            self.sql("CREATE DATABASE bench", "postgres")
        if self.sql("SELECT to_regclass('lineitem') IS NULL") == "t":
            text = (TESTS / "figures.rs").read_text()
            text = re.search(r'const LINEITEM: &str = "(.*?)";', text, re.S)[1]
            self.sql(text.replace("600000", str(ROWS)).replace("VACUUM (ANALYZE, FREEZE) lineitem;", ""))
            self.sql("VACUUM (ANALYZE, FREEZE) lineitem")
        return int(self.sql("SELECT relpages FROM pg_class WHERE relname = 'lineitem'"))

    def approved(self, verb, *arguments, node="lineitem", **more):
        return self.run(verb, *arguments, "--approve", "bench", "--approve-node", node, **more)


def blocks(document):
    return document["actual"]["blocks_touched"]["value"]


def counts(lab):
    """Preview, sample, catalogue profile and scan of lineitem, in blocks."""
    pages = lab.lineitem()
    preview = lab.approved("preview", "public/lineitem")
    lab.say(f"preview of {preview['rows_returned']} rows of {ROWS:,}: blocks", blocks(preview), 10)
    drawn = ["public/lineitem", "--sample", 10_000, "--limit", 10_000]
    sample = lab.approved("preview", *drawn)
    ordered = lab.approved("preview", *drawn, "--method", "random")
    lab.say(f"sample: {sample['rows_returned']} rows by blocks", blocks(sample))
    lab.say("sample: the same by ORDER BY random()", blocks(ordered))
    lab.say("sample: blocks over those of ORDER BY random()", blocks(sample) / blocks(ordered), 1 / 500)
    lab.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()")
    lab.approved("profile", "public/lineitem", "--level", "catalog")
    seen = "SELECT coalesce(sum({}), 0) FROM pg_stat_statements WHERE query LIKE '{}' AND query NOT LIKE '%pg_stat_statements%'"
    lab.say("catalogue profile: buffers", float(lab.sql(seen.format("shared_blks_hit + shared_blks_read", "%pg_stats AS s%"))), 100)
    scans = int(lab.sql("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'lineitem'"))
    lab.sql("SELECT pg_stat_statements_reset()")
    profile = lab.approved("profile", "public/lineitem", "--level", "scan")
    lab.say(f"full profile of {profile['rows']:,} rows: blocks over the table's", blocks(profile) / pages, 1.01)
    lab.say("full profile: scans of the table", int(lab.sql("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'lineitem'")) - scans, 1)
    lab.say("full profile: temporary blocks", float(lab.sql(seen.format("temp_blks_written + temp_blks_read", "%"))), 0)


def scan_cpu(lab):
    """CPU of the server for a full profile over that of COPY TO '/dev/null', in turns."""
    lab.lineitem()
    copy = lambda: lab.sql("COPY lineitem TO '/dev/null'")
    profile = lambda: lab.approved("profile", "public/lineitem", "--level", "scan")
    copy()
    pairs = [(lab.served(profile), lab.served(copy)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs))
    lab.say(f"full profile: CPU of the server (median of {ROUNDS})", ours, unit="s")
    lab.say("COPY lineitem TO '/dev/null': CPU of the server", theirs, unit="s")
    lab.say("full profile over COPY", statistics.median(a / b for a, b in pairs), 1.1, "×")


CONNECTORX = """
import sys, connectorx
if len(sys.argv) > 2:
    table = connectorx.read_sql(sys.argv[1], sys.argv[2], return_type="arrow")
    assert table.num_rows == int(sys.argv[3])
"""


def columns_cpu(lab):
    """CPU of the client from rows to columns, over that of connectorx without its imports. Ours writes them to a
    file besides (Arrow IPC, in memory), which is counted against us."""
    python = os.environ.get("HEADWATER_CONNECTORX")
    if not python:
        return lab.skip("columns-cpu", "HEADWATER_CONNECTORX names no Python with connectorx")
    lab.lineitem()
    file = Path("/dev/shm") / f"headwater-bench-{os.getpid()}.arrow"

    def cpu(work):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        work()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def theirs(*arguments):
        subprocess.run([python, "-c", CONNECTORX, lab.url().split("?")[0].replace("postgres:", "postgresql:"), *arguments], check=True)

    for name, columns, limit in [
        ("numeric", "l_quantity,l_extendedprice,l_discount,l_tax", 1 / 3),
        ("int and bigint", "l_orderkey,l_partkey,l_suppkey,l_linenumber", None),
    ]:
        def ours():
            lab.approved("export", "public/lineitem", "--columns", columns, "--limit", "all", "--format", "ipc", "--to", file)
            file.unlink()
            for beside in file.parent.glob(f"{file.stem}*"):
                beside.unlink()
        pairs = []
        for _ in range(ROUNDS):
            imports = cpu(theirs)
            pairs.append((cpu(ours), cpu(lambda: theirs(f"SELECT {columns} FROM lineitem", str(ROWS))) - imports))
        lab.say(f"columns of {name}: our CPU, written to a file", statistics.median(a for a, _ in pairs), unit="s")
        lab.say(f"columns of {name}: CPU of connectorx", statistics.median(b for _, b in pairs), unit="s")
        lab.say(f"columns of {name}: ours over connectorx", statistics.median(a / b for a, b in pairs), limit, "×")


def flags(lab):
    """Of the varied reads of the tests on a schema eight times as large: how many that are heavy (more than 12,800 blocks, or half a second) are called heavy before
    they run, and how many light ones are."""
    scale, heavy_blocks, heavy_ms = 8, 12_800, 500
    text = (TESTS / "postgres" / "estimates.sql").read_text()
    large = re.sub(r"\b(270000|300000|100000|60000|90000)\b", lambda found: str(int(found[1]) * scale), text)
    reads = [line for line in (TESTS / "postgres" / "estimates.txt").read_text().splitlines() if line and not line.startswith("#")]
    for condition, statistics_of in [("fresh", "ANALYZE"), ("none", "")]:
        database = f"flags_{condition}"
        if lab.sql(f"SELECT 1 FROM pg_database WHERE datname = '{database}'", "postgres") != "1":
            lab.sql(f"CREATE DATABASE {database}", "postgres")
            lab.sql(f"{large}\n{statistics_of};", database)
            lab.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements", database)
        seen = []
        for read in reads:
            estimate = lab.run("estimate", "--query", read, "--limit", "all", database=database)
            upper = next((q["hi"] for q in estimate["quantities"] if q["dim"] == "blocks_touched"), float("inf"))
            lab.sql(f"SELECT pg_stat_statements_reset(); SET statement_timeout = '60s'; SET max_parallel_workers_per_gather = 0; COPY ({read}) TO '/dev/null'", database) if not read.upper().startswith(("SHOW", "EXPLAIN")) else None
            told = lab.sql("SELECT coalesce(sum(shared_blks_hit + shared_blks_read), 0), coalesce(sum(total_exec_time), 0) FROM pg_stat_statements WHERE query LIKE 'COPY%'", database)
            touched, millis = map(float, told.split("|"))
            seen.append((estimate["verdict"] in ("heavy", "dangerous", "unknown"), upper > heavy_blocks, touched > heavy_blocks or millis > heavy_ms, read, estimate["verdict"], upper, touched, millis))
        heavy, light = [s for s in seen if s[2]], [s for s in seen if not s[2]]
        for rule, place in [("verdict heavy or above", 0), ("upper end above 12,800 blocks", 1)]:
            caught, false = sum(s[place] for s in heavy), sum(s[place] for s in light)
            print(f"statistics {condition}: {rule}: {caught} of {len(heavy)} heavy reads called so, {false} of {len(light)} light ones ({100 * false / len(light):.1f} %)", flush=True)
        if os.environ.get("BENCH_VERBOSE"):
            for s in seen:
                if s[0] != s[2] or s[1] != s[2]:
                    print(f"  {'heavy' if s[2] else 'light'}: {s[4]}, at most {s[5]:,.0f} blocks; touched {s[6]:,.0f} in {s[7]:,.0f} ms: {s[3]}")


FIGURES = {"counts": counts, "scan-cpu": scan_cpu, "columns-cpu": columns_cpu, "flags": flags}


def main():
    asked = sys.argv[1:] or list(FIGURES)
    if any(name not in FIGURES for name in asked) or not os.access(BIN, os.X_OK):
        sys.exit(f"{__doc__}\nfigures: {', '.join(FIGURES)}; HEADWATER_BIN is {BIN}")
    lab = Lab()
    try:
        for name in asked:
            FIGURES[name](lab)
    finally:
        lab.end()
    sys.exit(1 if lab.failed else 0)


if __name__ == "__main__":
    main()
