/** The HTTP door: one function per request. Nothing else in the page calls `fetch`. */
import { NoAnswer, Refusal } from "./refusal";
import type { ApiError, Message, Room, Session, User } from "./wire";

/**
 * For how long an answer is waited for: as long as on the live connection, and far longer than a busy server takes to
 * check a password. A network that swallows everything never ends a request by itself, and what waits for one, such as
 * the next connection, would wait for ever.
 */
const ANSWER_MS = 10_000;

export interface Account {
  user: User;
  session: Session;
  admin: boolean;
}

export interface RoomPage {
  rooms: Room[];
  total: number;
  next: string | null;
}

export interface MessagePage {
  epoch: number;
  head: number;
  /** In ascending order. */
  messages: Message[];
}

/** What stands directly before or after a message. */
export type From = { before: number } | { after: number };
/** A page of history. */
export type Span = From & { limit: number };

export const register = (name: string, password: string) => post<Account>("/register", { name, password });
export const logIn = (name: string, password: string) => post<Account>("/login", { name, password });
export const logOut = () => post<undefined>("/logout", {});
export const me = () => get<Account>("/me");
export const changePassword = (old: string, next: string) => post<unknown>("/password", { old, new: next });

export const sessions = async () => (await get<{ sessions: Session[] }>("/sessions")).sessions;
export const endSession = (id: number) => call<undefined>("DELETE", `/sessions/${id}`);

export const rooms = (search: string) => get<RoomPage>(`/rooms?${query({ search, limit: 50 })}`);
export const room = (id: string) => get<Room>(`/rooms/${encodeURIComponent(id)}`);
export const createRoom = (name: string) => post<Room>("/rooms", { name });
export const messages = (id: string, span: Span) =>
  get<MessagePage>(`/rooms/${encodeURIComponent(id)}/messages?${query(span)}`);

function get<T>(path: string): Promise<T> {
  return call("GET", path);
}

function post<T>(path: string, body: object): Promise<T> {
  return call("POST", path, body);
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api${path}`, {
      method,
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new NoAnswer();
  }
  if (response.status === 204) return undefined as T;
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer as T;
  throw isError(answer) ? new Refusal(answer.error) : new NoAnswer();
}

function isError(answer: unknown): answer is { error: ApiError } {
  return typeof answer === "object" && answer !== null && "error" in answer;
}

function query(values: Record<string, string | number>): string {
  return new URLSearchParams(Object.entries(values).map(([name, value]) => [name, String(value)])).toString();
}
