// Generated from crates/chat/src/wire.rs by: REGENERATE=1 cargo test -p chat typescript

/** The answer to every client event. */
export type Ack<T> = { "ok": T } | { "error": ApiError };

/** Why something was not done, over sockets and over HTTP. */
export type ApiError = {
  /** One of a fixed set of words, for programs. */
  code: string;
  /** A sentence, for people. */
  message: string;
  /** The input it concerns. */
  field?: string;
  /** Milliseconds after which trying again makes sense. */
  retry_after_ms?: number;
};

/** Rooms that are new or have changed. Each replaces what was told of it before. */
export type ChangedRooms = {
  /** They. */
  rooms: Array<Room>;
};

/** The UUID a client gives a message before it sends it, and again whenever it repeats it. */
export type ClientId = string;

/** Open a new room. */
export type CreateRoom = {
  /** What it will be called: 1 to 80 characters. */
  name: string;
};

/** Who somebody is, or wants to be. */
export type Credentials = {
  /** 1 to 32 characters, unlike everybody else's. */
  name: string;
  /** 8 characters at least, 1,024 bytes at most. */
  password: string;
  /** How the token is kept; `cookie` if nothing is said. */
  kind?: SessionKind;
};

/** Done, and nothing more to say: `{}`. */
export type Done = Record<string, never>;

/** The server is about to end. Come back later. */
export type Draining = {
  /** Milliseconds to wait before connecting again, different for each client. */
  retry_after_ms: number;
};

/**
 * The life of a log. It changes only when the database is put back to an earlier state, because numbers that were
 * given out before may then be given out again.
 */
export type Epoch = number;

/** Why something was not done. */
export type Failed = {
  /** Why. */
  error: ApiError;
};

/** Something that concerns one room and needs no more words. */
export type InRoom = {
  /** The room's address. */
  room: RoomId;
};

/** Enter a room, and be told what follows the cursor. */
export type Join = {
  /** The room's address. */
  room: RoomId;
  /** The last event the client has. Without it, the newest events are told. */
  after?: Seq;
  /** The life of the log in which `after` was given. */
  epoch?: Epoch;
};

/** The client is in the room, and has everything up to `head`. */
export type Joined = {
  /** What the room is called. */
  name: string;
  /** The life of its log. */
  epoch: Epoch;
  /** The last event the client was told of before this answer. */
  head: Seq;
};

/** Somebody has been let in. */
export type LoggedIn = {
  /** Who. */
  user: User;
  /** Through which session. */
  session: Session;
  /** Whether they look after this server. */
  admin: boolean;
  /** What opens the session, if the client asked for it. It is not shown again. */
  token?: string;
};

/** Who asks. */
export type Me = {
  /** Who. */
  user: User;
  /** Through which session. */
  session: Session;
  /** Whether they look after this server. */
  admin: boolean;
};

/** Something said in a room. */
export type Message = {
  /** The room's address. */
  room: RoomId;
  /** Its place in the room: 1, 2, 3, … */
  seq: Seq;
  /** Its number on the server. */
  id: MessageId;
  /** What its author's client called it. */
  client_id: ClientId;
  /** Who said it. */
  author: User;
  /** Markdown. */
  body: string;
  /** When it was stored. */
  at: Timestamp;
};

/** A message's number on this server. Its place in the room is its `seq`. */
export type MessageId = number;

/** Some of what was said in a room. */
export type MessagePage = {
  /** The life of the room's log. */
  epoch: Epoch;
  /** The last event of the log. */
  head: Seq;
  /** In the order in which they were said. */
  messages: Array<Message>;
};

/** Something that needs no words: `{}`. */
export type Nothing = Record<string, never>;

/** Somebody in a room. */
export type Participant = {
  /** Their number. */
  id: UserId;
  /** What they are called. */
  name: string;
  /** When they last did something in this room or let it be known that they look at it. */
  last_active_at: Timestamp;
  /** Whether at least one client of theirs is connected to the room now. */
  connected: boolean;
};

/** Who is in a room. */
export type Participants = {
  /** The room's address. */
  room: RoomId;
  /** When this was so. */
  at: Timestamp;
  /** Whether `users` replaces what was told before, or changes it person by person. */
  full: boolean;
  /** People; in a full list at most the 200 most recently active. */
  users: Array<Participant>;
  /** How many have ever been in the room. */
  total: number;
  /** How many of them are connected to it now. */
  connected: number;
};

/** Change the password. */
export type PasswordChange = {
  /** The present one. */
  old: string;
  /** The one from now on: 8 characters at least, 1,024 bytes at most. */
  new: string;
};

/** The cursor cannot be served: forget what you have of this room. The newest events follow. */
export type Resync = {
  /** The room's address. */
  room: RoomId;
  /** The life of its log. */
  epoch: Epoch;
  /** The last event of its log. */
  head: Seq;
  /** Why. */
  reason: ResyncReason;
};

/** Why a cursor cannot be served. */
export type ResyncReason = "epoch" | "ahead";

/** A room, as shown in a list. */
export type Room = {
  /** Its address. */
  id: RoomId;
  /** What it is called. */
  name: string;
  /** The life of its log. */
  epoch: Epoch;
  /** The last event of its log. */
  head: Seq;
  /** How many people are connected to it now. */
  here: number;
  /** When it was created. */
  created_at: Timestamp;
  /** When something was last said in it. */
  last_message_at: Timestamp | null;
};

/** A room's address, a random UUID (version 4). */
export type RoomId = string;

/** Some of the rooms. */
export type RoomPage = {
  /** They, by their last activity, newest first. */
  rooms: Array<Room>;
  /** How many there are in all that match the search. */
  total: number;
  /** What to give as `after` for those that follow; null if none do. */
  next: string | null;
};

/** The rooms last active. */
export type Rooms = {
  /** The most recently active, newest first. */
  rooms: Array<Room>;
  /** How many there are in all. */
  total: number;
};

/** Say something in a room. */
export type Say = {
  /** The room's address. */
  room: RoomId;
  /** A UUID of the client's own, the same in every repetition of the same message. */
  client_id: ClientId;
  /** Markdown, 1 to 8,192 bytes. */
  body: string;
};

/** The message is on the disk. */
export type Sent = {
  /** Its place in the room. */
  seq: Seq;
  /** Its number on the server. */
  id: MessageId;
  /** When it was stored. */
  at: Timestamp;
};

/** The number of an event in its room: 1, 2, 3, … without a gap. 0 is the place before the first. */
export type Seq = number;

/** One log-in of somebody, in the list that only they see. */
export type Session = {
  /** Its number. */
  id: SessionId;
  /** What logged in, in a few words. */
  client: string;
  /** When. */
  created_at: Timestamp;
  /** When it was last used, to within some minutes. */
  last_seen_at: Timestamp;
  /** Whether it is the one that asks. */
  current: boolean;
};

/** A log-in's number. It can be shown and listed; the secret is its token. */
export type SessionId = number;

/** How the token of a new session is kept. */
export type SessionKind = "cookie" | "token";

/** The ways in which somebody is logged in. */
export type Sessions = {
  /** They, most recently used first. */
  sessions: Array<Session>;
};

/** Milliseconds since the Unix epoch, by the server's clock. Times are shown to people; order never comes from them. */
export type Timestamp = number;

/** Somebody, as others see them. */
export type User = {
  /** Their number. */
  id: UserId;
  /** What they are called. */
  name: string;
};

/** A person's number. */
export type UserId = number;

export interface ClientEvents {
  join: { payload: Join; ok: Joined };
  leave: { payload: InRoom; ok: Done };
  message: { payload: Say; ok: Sent };
  heartbeat: { payload: InRoom; ok: Done };
  watch_rooms: { payload: Nothing; ok: Rooms };
  unwatch_rooms: { payload: Nothing; ok: Done };
}

export interface ServerEvents {
  participants: Participants;
  message: Message;
  resync: Resync;
  rooms: ChangedRooms;
  draining: Draining;
}
