-- Version 1. Times are RFC 3339 in UTC with microseconds, so that text sorts as time.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    started_at TEXT NOT NULL,
    version TEXT NOT NULL,
    process INTEGER NOT NULL
) STRICT;

CREATE TABLE reads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES sessions (id),
    started_at TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    connector TEXT NOT NULL,
    node TEXT NOT NULL,
    want TEXT NOT NULL,
    statements TEXT NOT NULL,
    verdict TEXT NOT NULL,
    estimate TEXT NOT NULL,
    approval TEXT,
    outcome TEXT NOT NULL,
    ended_at TEXT,
    rows INTEGER,
    actual TEXT,
    bytes REAL,
    seconds REAL,
    error TEXT
) STRICT;
CREATE INDEX reads_by_session ON reads (session);
CREATE INDEX reads_by_connection ON reads (connection_id);

CREATE TABLE statements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES sessions (id),
    read_id INTEGER REFERENCES reads (id),
    started_at TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    connector TEXT NOT NULL,
    entry TEXT NOT NULL,
    text TEXT NOT NULL,
    outcome TEXT NOT NULL,
    ended_at TEXT,
    rows INTEGER,
    seconds REAL,
    error TEXT
) STRICT;
CREATE INDEX statements_by_session ON statements (session);
CREATE INDEX statements_by_read ON statements (read_id);

-- What was written stays: an end is written once, nothing is taken back.
CREATE TRIGGER reads_end_once BEFORE UPDATE ON reads WHEN OLD.outcome <> 'started'
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER reads_stay BEFORE DELETE ON reads
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER statements_end_once BEFORE UPDATE ON statements WHEN OLD.outcome <> 'started'
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER statements_stay BEFORE DELETE ON statements
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

PRAGMA user_version = 1;
