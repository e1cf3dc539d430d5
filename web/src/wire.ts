// What travels between the page and the server. All times are milliseconds since the Unix epoch.

export interface User {
  id: number;
  name: string;
}

export interface Room {
  id: string;
  name: string;
  epoch: number;
  head: number;
  here: number;
  created_at: number;
  last_message_at: number | null;
}

export interface Message {
  room: string;
  seq: number;
  id: number;
  client_id: string;
  author: User;
  body: string;
  at: number;
}

export interface Participant {
  id: number;
  name: string;
  last_active_at: number;
  connected: boolean;
}

export interface ApiError {
  code: string;
  message: string;
  field?: string;
  retry_after_ms?: number;
}

export interface Session {
  id: number;
  client: string;
  created_at: number;
  last_seen_at: number;
  current: boolean;
}

export interface ClientEvents {
  join: { payload: { room: string; after?: number; epoch?: number }; ok: { name: string; epoch: number; head: number } };
  leave: { payload: { room: string }; ok: Record<string, never> };
  message: { payload: { room: string; client_id: string; body: string }; ok: { seq: number; id: number; at: number } };
  heartbeat: { payload: { room: string }; ok: Record<string, never> };
  watch_rooms: { payload: Record<string, never>; ok: { rooms: Room[]; total: number } };
  unwatch_rooms: { payload: Record<string, never>; ok: Record<string, never> };
}

export interface ServerEvents {
  participants: { room: string; at: number; full: boolean; users: Participant[]; total: number; connected: number };
  message: Message;
  resync: { room: string; epoch: number; head: number; reason: "epoch" | "ahead" };
  rooms: { rooms: Room[] };
  draining: { retry_after_ms: number };
}
