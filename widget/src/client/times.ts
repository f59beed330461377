/** Times as texts of ISO 8601 in UTC, whose fractions may have any number of digits, or be missing. */

/** Below 0 where `a` is earlier than `b`, 0 where they are the same. */
export function compareTimes(a: string, b: string): number {
  const [one, other] = [fixed(a), fixed(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

export function isLater(a: string, than: string): boolean {
  return compareTimes(a, than) > 0;
}

function fixed(time: string): string {
  const [whole = "", fraction = ""] = time.replace("Z", "").split(".");
  return `${whole}.${fraction.padEnd(6, "0")}`;
}
