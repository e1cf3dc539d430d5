import { expect, test } from "vitest";
import { groupAroundGap, groupMessages, type Groupable } from "./grouping";

const MINUTE = 60_000;
const ALICE = 1;
const BOB = 2;
const noon = new Date(2026, 5, 3, 12).getTime();

function message(seq: number | null, author: number, at: number): Groupable {
  return { seq, client_id: `c${seq ?? at}`, author: { id: author }, at };
}

/** One word for each row: the day, the unread line, or the seq, with a star where the name stands. */
function sketch(messages: Groupable[], unreadFrom?: number, group = groupMessages): string {
  return group(messages, unreadFrom)
    .map((row) =>
      row.kind === "message" ? `${row.message.seq ?? "pending"}${row.first ? "*" : ""}` : row.kind,
    )
    .join(" ");
}

test("messages of one author within five minutes share one name", () => {
  const messages = [
    message(1, ALICE, noon),
    message(2, ALICE, noon + 5 * MINUTE - 1),
    message(3, ALICE, noon + 10 * MINUTE - 1),
  ];
  expect(sketch(messages)).toBe("day 1* 2 3*");
});

test("another author begins another group", () => {
  expect(sketch([message(1, ALICE, noon), message(2, BOB, noon), message(3, ALICE, noon)])).toBe(
    "day 1* 2* 3*",
  );
});

test("a new day begins with its date and a name", () => {
  const midnight = new Date(2026, 5, 4).getTime();
  expect(sketch([message(1, ALICE, midnight - 1), message(2, ALICE, midnight)])).toBe("day 1* day 2*");
});

test("the unread line stands before the message that was asked for", () => {
  const messages = [message(4, ALICE, noon), message(5, ALICE, noon), message(6, ALICE, noon)];
  expect(sketch(messages, 5)).toBe("day 4* unread 5* 6");
  expect(sketch(messages, 4)).toBe("day unread 4* 5 6");
});

test("there is no unread line when its message is not loaded", () => {
  const messages = [message(4, ALICE, noon), message(5, ALICE, noon)];
  expect(sketch(messages, 3)).toBe("day 4* 5");
  expect(sketch(messages, 6)).toBe("day 4* 5");
});

test("a message that is being sent joins its author's group", () => {
  expect(sketch([message(1, ALICE, noon), message(null, ALICE, noon + 1)], 2)).toBe("day 1* pending");
});

test("a message keeps its key when it gets its seq, and all keys differ", () => {
  const pending = { seq: null, client_id: "c", author: { id: ALICE }, at: noon };
  const settled = { ...pending, seq: 2, at: noon + 7 };
  const keys = [pending, settled].map((last) =>
    groupMessages([message(1, BOB, noon), last], 1).map((row) => row.key),
  );
  expect(keys[0]).toEqual(keys[1]);
  expect(new Set(keys[0]).size).toBe(4);
});

test("a message that is being sent stands apart when newer ones are not here", () => {
  const log = [message(1, ALICE, noon), message(2, ALICE, noon + 1)];
  const sending = message(null, ALICE, noon + 2);
  expect(sketch([...log, sending], 2, groupAroundGap)).toBe("day 1* unread 2* between day pending*");
  expect(sketch(log, 2, groupAroundGap)).toBe("day 1* unread 2*");
});

test("an empty room has no rows", () => {
  expect(groupMessages([])).toEqual([]);
});
