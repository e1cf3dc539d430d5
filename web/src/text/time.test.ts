import { describe, expect, test } from "vitest";
import { dayNumber, timesIn } from "./time";

// A zone with summer time, set before the formatters are made.
process.env.TZ = "Europe/Berlin";

const british = timesIn("en-GB");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A moment by the clock on the wall. */
function local(text: string): number {
  return new Date(text).getTime();
}

describe("a time", () => {
  test("is told in the locale of the reader", () => {
    expect(british.timeOfDay(local("2026-06-03T14:05"))).toBe("14:05");
    expect(timesIn("en-US").timeOfDay(local("2026-06-03T14:05"))).toMatch(/^2:05\sPM$/);
    expect(timesIn("de").dayLabel(local("2026-06-03T14:05"), local("2026-06-09T00:00"))).toBe(
      "Mittwoch, 3. Juni",
    );
  });

  test("is told in full for those who ask", () => {
    expect(british.fullDate(local("2026-06-03T14:05"))).toBe("Wednesday, 3 June 2026 at 14:05");
  });
});

describe("a day", () => {
  const now = local("2026-06-03T14:05");

  test("is today, yesterday, or a date", () => {
    expect(british.dayLabel(local("2026-06-03T00:00"), now)).toBe("Today");
    expect(british.dayLabel(local("2026-06-02T23:59"), now)).toBe("Yesterday");
    expect(british.dayLabel(local("2026-06-01T23:59"), now)).toBe("Monday 1 June");
    expect(british.dayLabel(local("2026-06-04T00:00"), now)).toBe("Thursday 4 June");
  });

  test("has its year when that is another", () => {
    expect(british.dayLabel(local("2025-12-31T23:59"), now)).toBe("Wednesday, 31 December 2025");
    expect(british.dayLabel(local("2025-12-31T23:59"), local("2026-01-01T00:00"))).toBe("Yesterday");
  });

  test("of 23 or 25 hours is one day", () => {
    for (const [before, change, after] of [
      ["2026-03-28T12:00", "2026-03-29T12:00", "2026-03-30T00:00"],
      ["2026-10-24T12:00", "2026-10-25T12:00", "2026-10-26T00:00"],
    ].map((days) => days.map(local))) {
      if (!before || !change || !after) throw new Error("three days");
      expect(dayNumber(change) - dayNumber(before)).toBe(1);
      expect(dayNumber(after) - dayNumber(change)).toBe(1);
    }
  });
});

describe("how long ago", () => {
  const now = local("2026-06-03T14:05");

  test.each([
    [-HOUR, "just now"],
    [0, "just now"],
    [MINUTE - 1, "just now"],
    [MINUTE, "1 min ago"],
    [HOUR - 1, "59 min ago"],
    [HOUR, "1 h ago"],
    [14 * HOUR, "14 h ago"],
    [15 * HOUR, "yesterday"],
    [38 * HOUR, "yesterday"],
    [39 * HOUR, "1 Jun"],
    [365 * 24 * HOUR, "3 Jun 2025"],
  ])("%d ms before is %s", (passed, text) => {
    expect(british.ago(now - passed, now)).toBe(text);
  });

  test("the last evening is told in hours while the night lasts", () => {
    expect(british.ago(local("2026-06-02T23:00"), local("2026-06-03T01:00"))).toBe("2 h ago");
  });
});
