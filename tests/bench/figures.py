#!/usr/bin/env python3
"""The figures of one release binary: counts, CPU seconds and bytes, never wall time.

    HEADWATER_BIN=target/release/headwater tests/bench/figures.py [FIGURE…]

Makes its own input in a temporary folder (HEADWATER_BENCH_DIR to keep it there for the next run). Each line says what
was measured, the limit it is held against, and `ok` or `OVER`; what cannot be measured here is said and is no `ok`.
Needs Linux; `strace` for bytes and pages as the kernel saw them; a DISPLAY for the window's figures.
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = os.environ.get("HEADWATER_BIN", "target/release/headwater")
ROWS_OF_TABLE = int(os.environ.get("BENCH_TABLE_ROWS", "5000000"))
LARGE_CSV_BYTES = int(os.environ.get("BENCH_CSV_BYTES", "1000000000"))
IDLE_SECONDS = int(os.environ.get("BENCH_IDLE_SECONDS", "60"))
PAGE = 4096


class Lab:
    """A folder of inputs and a data folder."""

    def __init__(self):
        kept = os.environ.get("HEADWATER_BENCH_DIR")
        self.folder = Path(kept or tempfile.mkdtemp(prefix="headwater-bench-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.is_kept = bool(kept)
        self.failed = False

    def environment(self):
        return {**os.environ, "HEADWATER_DATA_DIR": str(self.folder / "data"), "HEADWATER_NO_KEYCHAIN": "1"}

    def run(self, *arguments):
        """Runs the binary: (document on stdout, CPU seconds of it and all it waited for)."""
        child = subprocess.Popen([BIN, *map(str, arguments)], stdout=subprocess.PIPE, env=self.environment())
        out = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        if status != 0:
            sys.exit(f"{arguments}: ended with {os.waitstatus_to_exitcode(status)}")
        return json.loads(out), usage.ru_utime + usage.ru_stime

    def reads(self, file, *arguments):
        """What the binary and its worker read of one file: (bytes, distinct pages), counted by the kernel's calls."""
        if not shutil.which("strace"):
            return None
        logs = Path(tempfile.mkdtemp(dir=self.folder))
        calls = "trace=read,pread64,readv,preadv,preadv2"
        # One log a thread: no call is torn in two by another.
        command = ["strace", "-ff", "-qq", "-y", "-e", calls, "-P", file, "-o", logs / "log", BIN, *arguments]
        subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, env=self.environment(), check=True)
        total, pages = 0, set()
        lines = [line for log in logs.iterdir() for line in log.read_text(errors="replace").splitlines()]
        shutil.rmtree(logs)
        for line in lines:
            found = re.search(r"\) += (\d+)$", line)
            if not found or str(file) not in line:
                continue
            got = int(found[1])
            total += got
            offset = re.search(r", (\d+)\) += \d+$", line)
            if "pread64" in line and offset and got:
                first = int(offset[1]) // PAGE
                pages.update(range(first, (int(offset[1]) + got - 1) // PAGE + 1))
        return total, pages

    def say(self, what, value, limit=None, unit=""):
        """One figure; a limit makes it `ok` or `OVER`."""
        verdict = ""
        if limit is not None:
            is_ok = value <= limit
            self.failed |= not is_ok
            verdict = f"  limit {limit:,.4g} {unit}  {'ok' if is_ok else 'OVER'}"
        print(f"{what:66} {value:>14,.4g} {unit}{verdict}", flush=True)

    def skip(self, what, why):
        self.failed = True
        print(f"{what:66} not measured: {why}", flush=True)

    # --- inputs

    def csv(self, size):
        """A CSV of about so many bytes: id, name, amount, day, note."""
        path = self.folder / f"rows-{size}.csv"
        if not path.exists():
            fresh = path.with_suffix(".making")
            with fresh.open("w") as out:
                out.write("id,name,amount,day,note\n")
                row = 0
                while out.tell() < size:
                    lines = []
                    for _ in range(20_000):
                        state = row * 2654435761 % 4294967296
                        day = f"2024-{state % 12 + 1:02}-{state % 28 + 1:02}"
                        lines.append(f"{row},name {state},{state % 100000 / 100},{day},note {state:x}\n")
                        row += 1
                        if len(lines) * 45 >= size:
                            break
                    out.write("".join(lines))
            fresh.rename(path)
        return path

    def database(self):
        """A database with one table of ROWS_OF_TABLE rows."""
        path = self.folder / f"table-{ROWS_OF_TABLE}.db"
        if not path.exists():
            fresh = path.with_suffix(".making")
            fresh.unlink(missing_ok=True)
            connection = sqlite3.connect(fresh)
            connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount REAL, note TEXT)")
            rows = ((i, i * 2654435761 % 100003, i % 9973 / 7, f"note {i:x}") for i in range(ROWS_OF_TABLE))
            connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
            connection.execute("CREATE INDEX by_customer ON orders (customer)")
            connection.commit()
            connection.close()
            fresh.rename(path)
        return path


def csv_preview(lab):
    """A CSV preview of 100 rows: at most 1 MB read, the same CPU at 1 MB and at 1 GB."""
    spent = []
    for size in (1_000_000, LARGE_CSV_BYTES):
        file = lab.csv(size)
        arguments = ("preview", file, "--limit", "100", "--json")
        lab.run(*arguments)  # once for what a first start makes
        runs = [lab.run(*arguments) for _ in range(7)]
        spent.append(sorted(cpu for _, cpu in runs)[3])
        name = f"csv-preview: {file.stat().st_size / 1e6:,.0f} MB file"
        lab.say(f"{name}, read by the preview, as it says", runs[0][0]["actual"]["bytes_server"]["value"], 1e6, "bytes")
        seen = lab.reads(file, *arguments)
        if seen:
            lab.say(f"{name}, read in all, as the kernel saw it", seen[0], 1e6, "bytes")
        else:
            lab.skip(f"{name}, read in all, as the kernel saw it", "no strace")
        lab.say(f"{name}, CPU (median of 7)", spent[-1], unit="s")
    lab.say("csv-preview: CPU of the large one over the small one", spent[1] / spent[0], 1.15, "×")


def sqlite_preview(lab):
    """A SQLite preview of 200 rows of a table of 5 M rows: at most 10 pages beyond the schema."""
    file = lab.database()
    arguments = ("preview", file, "orders", "--limit", "200", "--json")
    document, cpu = lab.run(*arguments)
    name = f"sqlite-preview: {ROWS_OF_TABLE:,} rows"
    for dim in ("blocks_distinct", "blocks_touched"):
        if dim in document["actual"]:
            lab.say(f"{name}, {dim} of the read, as it says", document["actual"][dim]["value"], 10, "pages")
    seen = lab.reads(file, *arguments)
    if seen:
        # Page 1 holds the schema; a wide schema would take more.
        lab.say(f"{name}, distinct pages beyond page 1 in all, by the kernel", len(seen[1] - {0}), 10, "pages")
    else:
        lab.skip(f"{name}, distinct pages beyond page 1, by the kernel", "no strace")
    lab.say(f"{name}, CPU", cpu, unit="s")
    table = {entry["id"] for entry in lab.run("commands", "sqlite", "--json")[0]["commands"]}
    reads = lab.run("ledger", "--json", "--limit", "1")[0]["reads"]
    sent = [statement["entry"] for read in reads for statement in read["statements"]]
    lab.say(f"{name}, statements sent outside the command table", len([s for s in sent if s not in table]), 0)


def tree(pid):
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [each for child in task.read_text().split() for each in tree(int(child))]
        except OSError:
            pass
    return found


def is_ours(pid):
    """Whether a process runs the binary, not something that watches it."""
    try:
        return Path(f"/proc/{pid}/exe").resolve() == Path(BIN).resolve()
    except OSError:
        return False


def memory(pid, field):
    """A field of /proc/PID/smaps_rollup in bytes; 0 when the process is gone. Pss shares shared pages out."""
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def csv_profile(lab):
    """A CSV of 1 GB profiles in at most 250 MB, its workers included."""
    file = lab.csv(LARGE_CSV_BYTES)
    command = [BIN, "profile", file, "--level", "scan", "--limit", "all", "--approve", "bench", "--approve-node", file.name]
    child = subprocess.Popen(list(map(str, [*command, "--json"])), stdout=subprocess.DEVNULL, env=lab.environment())
    peak = 0
    while True:
        done, code, usage = os.wait4(child.pid, os.WNOHANG)
        if done:
            break
        peak = max(peak, sum(memory(pid, "Pss") for pid in tree(child.pid)))
        time.sleep(0.02)
    if code != 0:
        return lab.skip("csv-profile", f"it ended with {os.waitstatus_to_exitcode(code)}")
    name = f"csv-profile: {file.stat().st_size / 1e6:,.0f} MB file"
    lab.say(f"{name}, peak memory of the program and its workers", peak / 1e6, 250, "MB")
    lab.say(f"{name}, CPU", usage.ru_utime + usage.ru_stime, unit="s")


def cpu_to_end(command, environment):
    """CPU seconds of a process until it ends; median of five."""
    spent = []
    for _ in range(5):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        _, code, usage = os.wait4(child.pid, 0)
        if code != 0:
            return None
        spent.append(usage.ru_utime + usage.ru_stime)
    return sorted(spent)[2]


def first_frame(lab):
    """CPU to the first frame: at most 1.5 times that of a bare window of the same library (HEADWATER_BARE)."""
    if not os.environ.get("DISPLAY"):
        return lab.skip("first-frame", "DISPLAY is empty (xvfb-run -a tests/bench/figures.py)")
    lab.run("ledger", "--json")
    ours = cpu_to_end([BIN, "gui", "--first-frame-exit"], lab.environment())
    if ours is None:
        return lab.skip("first-frame", "the window did not open")
    lab.say("first-frame: CPU from start to end (median of 5)", ours, unit="s")
    bare = os.environ.get("HEADWATER_BARE")
    if not bare:
        return lab.skip("first-frame: over a bare window", "HEADWATER_BARE names no program")
    theirs = cpu_to_end([bare], lab.environment())
    if theirs is None:
        return lab.skip("first-frame: over a bare window", "it did not open")
    lab.say("first-frame: CPU of a bare window", theirs, unit="s")
    lab.say("first-frame: ours over a bare window", ours / theirs, 1.5, "×")


def ticks(pid):
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(lab):
    """An idle window: at most 100 MB anonymous memory, and nothing sent to the display in 60 seconds."""
    if not os.environ.get("DISPLAY"):
        return lab.skip("idle", "DISPLAY is empty (xvfb-run -a tests/bench/figures.py)")
    command, log = [BIN, "gui"], lab.folder / "idle.log"
    if shutil.which("strace"):
        # Every frame reaches the display through one of these; each line carries its time.
        calls = "trace=sendmsg,sendto,writev,write"
        command = ["strace", "-f", "-qq", "-yy", "-ttt", "-e", calls, "-o", str(log), *command]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=lab.environment())
    try:
        window = wait_for(lambda: [pid for pid in tree(child.pid) if is_ours(pid)])[0]
        settle(window)
        before, since = ticks(window), time.time()
        lab.say("idle: anonymous memory", memory(window, "Anonymous") / 1e6, 100, "MB")
        time.sleep(IDLE_SECONDS)
        until = time.time()
        lab.say(f"idle: CPU in {IDLE_SECONDS} s", ticks(window) - before, unit="s")
    finally:
        for pid in reversed(tree(child.pid)):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        child.wait()
    if not log.exists():
        return lab.skip(f"idle: writes to the display in {IDLE_SECONDS} s", "no strace")
    writes = everything = 0
    for line in log.read_text(errors="replace").splitlines():
        # The display is the only local socket that an idle window could write to.
        found = re.match(r"\d+ +(\d+\.\d+) (?:sendmsg|sendto|writev)\(\d+<UNIX", line)
        if found:
            everything += 1
            writes += since <= float(found[1]) <= until
    if everything == 0:
        return lab.skip("idle: writes to the display", "not even the first frame was seen")
    lab.say(f"idle: writes to the display in {IDLE_SECONDS} s (0 = no repaint)", writes, 0)


def grid_frames(lab):
    """Scrolling 10 000 000 rows of 200 columns: at most 4 ms CPU a frame (HEADWATER_GRID)."""
    program = os.environ.get("HEADWATER_GRID")
    if not program:
        return lab.skip("grid-frames", "HEADWATER_GRID names no program")
    seen = json.loads(subprocess.run([program], stdout=subprocess.PIPE, check=True).stdout)
    name = f"grid-frames: {seen['rows']:,} rows, {seen['columns']} columns, CPU a frame"
    lab.say(f"{name}, median", seen["p50_ms"], 4, "ms")
    lab.say(f"{name}, 99 of 100", seen["p99_ms"], 4, "ms")


def wait_for(what, deadline=60):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    sys.exit("it never happened")


def settle(pid, quiet=3.0, deadline=60):
    """Waits until a process has used no CPU for a while: it is started and idle."""
    end, last, since = time.monotonic() + deadline, None, time.monotonic()
    while time.monotonic() < end:
        now = ticks(pid)
        if now != last:
            last, since = now, time.monotonic()
        elif now > 0 and time.monotonic() - since >= quiet:
            return
        time.sleep(0.1)


FIGURES = {
    "csv-preview": csv_preview,
    "sqlite-preview": sqlite_preview,
    "csv-profile": csv_profile,
    "first-frame": first_frame,
    "idle": idle,
    "grid-frames": grid_frames,
}


def main():
    asked = sys.argv[1:] or list(FIGURES)
    unknown = [name for name in asked if name not in FIGURES]
    if unknown or not os.access(BIN, os.X_OK):
        sys.exit(f"{__doc__}\nfigures: {', '.join(FIGURES)}; HEADWATER_BIN is {BIN}")
    lab = Lab()
    try:
        for name in asked:
            FIGURES[name](lab)
    finally:
        if not lab.is_kept:
            shutil.rmtree(lab.folder, ignore_errors=True)
    sys.exit(1 if lab.failed else 0)


if __name__ == "__main__":
    main()
