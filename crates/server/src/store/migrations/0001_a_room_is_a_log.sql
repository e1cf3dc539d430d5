-- Times are milliseconds since the Unix epoch. A `room` in here is a room's row; its address, the UUID, is `rooms.uuid`.

-- The one row of what concerns the whole database.
CREATE TABLE database (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    -- The life of all logs in here. Raised when the database is put back to an earlier state, and by nothing else.
    epoch      INTEGER NOT NULL,
    -- How often the writer had to open it anew after a failure.
    recoveries INTEGER NOT NULL
) STRICT;
INSERT INTO database (id, epoch, recoveries) VALUES (1, 1, 0);

CREATE TABLE users (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    -- A PHC string.
    password   TEXT NOT NULL,
    admin      INTEGER NOT NULL CHECK (admin IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

-- What names that look alike have in common. A name has one or a few, and they are nobody else's.
CREATE TABLE name_keys (
    key  TEXT PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    -- Never given out twice: who is late with news of an ended session must not meet another one.
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user         INTEGER NOT NULL REFERENCES users,
    -- SHA-256 of the token.
    token        BLOB NOT NULL UNIQUE,
    client       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user);

CREATE TABLE rooms (
    id              INTEGER PRIMARY KEY,
    uuid            BLOB NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    -- The name as a search sees it.
    search_key      TEXT NOT NULL,
    created_by      INTEGER NOT NULL REFERENCES users,
    created_at      INTEGER NOT NULL,
    -- The last event's `seq`.
    head            INTEGER NOT NULL DEFAULT 0,
    last_message_at INTEGER,
    last_activity   INTEGER NOT NULL AS (coalesce(last_message_at, created_at)) VIRTUAL,
    -- How many rows `participants` has for it.
    participants    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX rooms_by_activity ON rooms (last_activity, uuid);

-- The log of each room: `seq` is 1, 2, 3, …
CREATE TABLE events (
    room    INTEGER NOT NULL REFERENCES rooms,
    seq     INTEGER NOT NULL,
    -- 1: a message was posted.
    kind    INTEGER NOT NULL,
    message INTEGER NOT NULL REFERENCES messages,
    at      INTEGER NOT NULL,
    PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

-- The messages as they are now.
CREATE TABLE messages (
    id        INTEGER PRIMARY KEY,
    -- Its place in the log.
    room      INTEGER NOT NULL REFERENCES rooms,
    seq       INTEGER NOT NULL,
    author    INTEGER NOT NULL REFERENCES users,
    client_id BLOB NOT NULL,
    body      TEXT NOT NULL,
    -- In this order so that ids that begin with the time (UUID version 7) are next to each other, whoever sends them.
    UNIQUE (client_id, author)
) STRICT;

-- Who has been in which room.
CREATE TABLE participants (
    room           INTEGER NOT NULL REFERENCES rooms,
    user           INTEGER NOT NULL REFERENCES users,
    last_active_at INTEGER NOT NULL,
    PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX participants_by_activity ON participants (room, last_active_at DESC);
CREATE TRIGGER participants_are_counted AFTER INSERT ON participants BEGIN
    UPDATE rooms SET participants = participants + 1 WHERE id = NEW.room;
END;
