import fc from "fast-check";
import { expect, test } from "vitest";
import { HERE_MS, presenceGroups, RECENTLY_MS, type Present } from "./presence";

const NOW = 1_780_000_000_000;

function person(name: string, quiet: number, connected = true): Present {
  return { id: name.length, name, last_active_at: NOW - quiet, connected };
}

function sketch(people: Present[], now = NOW): Record<string, string[]> {
  const { here, recently, earlier } = presenceGroups(people, now);
  const names = (group: Present[]) => group.map(({ name }) => name);
  return { here: names(here), recently: names(recently), earlier: names(earlier) };
}

test("who is connected and active is here, by name", () => {
  const people = [person("carol", 0), person("Bob", HERE_MS - 1), person("alice", 50)];
  expect(sketch(people)).toEqual({ here: ["alice", "Bob", "carol"], recently: [], earlier: [] });
});

test("who is connected but quiet was here recently", () => {
  expect(sketch([person("alice", HERE_MS), person("bob", 9 * RECENTLY_MS)]).recently).toEqual([
    "alice",
    "bob",
  ]);
});

test("who left was here recently for an hour, and earlier from then on", () => {
  const people = [
    person("alice", 2 * RECENTLY_MS, false),
    person("bob", 0, false),
    person("carol", RECENTLY_MS, false),
  ];
  expect(sketch(people)).toEqual({ here: [], recently: ["bob"], earlier: ["carol", "alice"] });
});

test("activity from a clock that is ahead is activity now", () => {
  expect(sketch([person("alice", -5_000)]).here).toEqual(["alice"]);
});

test("people are not moved within the list that was passed in", () => {
  const people = Object.freeze([person("bob", 0), person("alice", 0)]);
  presenceGroups(people, NOW);
  expect(people[0]?.name).toBe("bob");
});

const people = fc.array(
  fc.record({
    id: fc.nat(),
    name: fc.string({ maxLength: 3 }),
    last_active_at: fc.integer({ min: NOW - 2 * RECENTLY_MS, max: NOW + HERE_MS }),
    connected: fc.boolean(),
  }),
  { maxLength: 8 },
);

test("everybody is in exactly one group", () => {
  fc.assert(
    fc.property(people, (people) => {
      const { here, recently, earlier } = presenceGroups(people, NOW);
      expect(new Set([...here, ...recently, ...earlier])).toEqual(new Set(people));
      expect(here.length + recently.length + earlier.length).toBe(people.length);
    }),
  );
});
