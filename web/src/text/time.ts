/**
 * Times as people read them, in the language and the time zone of the browser. All times are
 * milliseconds since the Unix epoch. Nothing here reads a clock: `now` is passed in.
 */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Up to here hours say more than "yesterday" does: at one in the night, eleven in the evening is 2 h ago. */
const HOURS_ACROSS_MIDNIGHT = 12 * HOUR;

/** The texts in one locale; formatters are dear to make, so they are made once. */
export function timesIn(locale?: string) {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options);
  const time = format({ hour: "numeric", minute: "2-digit" });
  const date = format({ day: "numeric", month: "short" });
  const dateAndYear = format({ day: "numeric", month: "short", year: "numeric" });
  const weekday = format({ weekday: "long", day: "numeric", month: "long" });
  const weekdayAndYear = format({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const full = format({ dateStyle: "full", timeStyle: "short" });

  return {
    /** "14:05" */
    timeOfDay(at: number): string {
      return time.format(at);
    },

    /** "Wednesday, 3 June 2026 at 14:05" */
    fullDate(at: number): string {
      return full.format(at);
    },

    /** "Today", "Yesterday", "Wednesday 3 June", and with its year when that is another. */
    dayLabel(at: number, now: number): string {
      const days = dayNumber(now) - dayNumber(at);
      if (days === 0) return "Today";
      if (days === 1) return "Yesterday";
      return (isSameYear(at, now) ? weekday : weekdayAndYear).format(at);
    },

    /** "just now", "3 min ago", "2 h ago", "yesterday", "3 Jun", "3 Jun 2025" */
    ago(at: number, now: number): string {
      const passed = now - at;
      const days = dayNumber(now) - dayNumber(at);
      // Clocks differ: what comes from the future has just happened.
      if (passed < MINUTE) return "just now";
      if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
      if (days === 0 || passed < HOURS_ACROSS_MIDNIGHT) return `${Math.floor(passed / HOUR)} h ago`;
      if (days === 1) return "yesterday";
      return (isSameYear(at, now) ? date : dateAndYear).format(at);
    },
  };
}

/** The number of the local day, counted without gaps: a day with a change to summer time is one day too. */
export function dayNumber(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY;
}

function isSameYear(at: number, other: number): boolean {
  return new Date(at).getFullYear() === new Date(other).getFullYear();
}

export const { timeOfDay, fullDate, dayLabel, ago } = timesIn();
