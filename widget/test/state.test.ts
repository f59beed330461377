import { describe, expect, test } from "vitest";
import type { Counts, Item } from "../src/client";
import { countedUpTo, operationOf } from "../src/client/position";
import {
  asked,
  counted,
  done,
  EMPTY,
  nextChange,
  paged,
  refused,
  shown,
  type State,
  told,
  viewed,
  visible,
} from "../src/client/state";

const STREAM = "00000000-0000-0000-0000-0000000000aa";
const NOW = "2026-03-02T12:00:00.000Z";

function item(number: number, more: Partial<Item> = {}): Item {
  return {
    id: `00000000-0000-0000-0000-${String(number).padStart(12, "0")}`,
    scope: "me",
    scope_id: null,
    stream: STREAM,
    seq: number,
    lane: 1,
    position: number,
    event: "invoice_paid",
    topic: "billing",
    severity: "info",
    status: "new",
    title: `Number ${number}`,
    body: null,
    data: {},
    actions: [],
    pinned: false,
    seen_at: null,
    read_at: null,
    dismissed_at: null,
    snoozed_until: null,
    created_at: `2026-03-02T09:00:00.${String(number).padStart(6, "0")}Z`,
    occurred_at: null,
    expires_at: null,
    resolved_at: null,
    ...more,
  };
}

/** As the server packs it: the operation, then of each stream id, seq and change. */
function position(operation: number, seq: number): string {
  const packed = new DataView(new ArrayBuffer(40));
  packed.setBigInt64(0, BigInt(operation));
  packed.setUint8(23, 0xaa);
  packed.setBigInt64(24, BigInt(seq));
  return btoa(String.fromCharCode(...new Uint8Array(packed.buffer))).replace(/=+$/, "");
}

function counts(number: number, at: string): Counts {
  const tally = { total: number, unseen: number, unread: number };
  return {
    ...tally,
    by_scope: [{ scope: "me", scope_id: null, ...tally }],
    by_topic: { billing: tally },
    by_severity: { info: tally },
    position: at,
  };
}

function holding(...items: Item[]): State {
  const state = counted(EMPTY, counts(items.length, position(5, items.length)));
  return paged(state, { items, next_cursor: null }, true);
}

const titles = (state: State, at = NOW) => visible(shown(state), at).map((one) => one.seq);

describe("a position", () => {
  test("says up to where it was counted", () => {
    expect(countedUpTo(position(5, 7))).toEqual(new Map([[STREAM, 7]]));
    expect(operationOf(position(5, 7))).toBe(5);
    expect(countedUpTo(btoa("\0\0\0\0\0\0\0\x05"))).toBeNull();
  });
});

describe("a list", () => {
  test("has pinned ones first, then newest first, by the whole of their times", () => {
    const late = item(3, { created_at: "2026-03-02T09:00:01Z" });
    expect(titles(holding(item(1), late, item(2), item(4, { pinned: true, created_at: "2020-01-01T00:00:00Z" })))).toEqual(
      [4, 3, 2, 1],
    );
  });

  test("shows nothing below the end of what was read", () => {
    let state = paged(EMPTY, { items: [item(9), item(8)], next_cursor: "x" }, true);
    state = told(state, { name: "state", data: { ...NOTHING, items: [item(3)] } }, NOW);
    expect(titles(state)).toEqual([9, 8]);
    state = paged(state, { items: [item(4), item(3)], next_cursor: null }, false);
    expect(titles(state)).toEqual([9, 8, 4, 3]);
  });

  test("loses what was not heard of since all was in doubt", () => {
    const before = holding(item(1), item(2));
    const heard = told(before, { name: "notification", data: item(3) }, NOW);
    const page = { items: [item(2)], next_cursor: null };
    expect(titles(paged(heard, page, true, { before: before.items, anew: true }))).toEqual([3, 2]);
  });

  test("believes no page of what was told or done since it was asked for", () => {
    const before = holding(item(1), item(2), item(3));
    const page = { items: [item(3), item(2), item(1)], next_cursor: null };
    let state = told(before, { name: "state", data: { ...NOTHING, items: [item(1, { dismissed_at: NOW })] } }, NOW);
    state = told(state, { name: "gone", data: { ids: [item(2).id], lanes: [] } }, NOW);
    expect(titles(paged(state, page, true, { before: before.items }))).toEqual([3]);
    const change = { kind: "items" as const, action: "dismiss" as const, ids: [item(3).id], at: NOW };
    state = done(asked(state, { key: "a", change }), "a");
    expect(titles(paged(state, page, true, { before: before.items }))).toEqual([]);
  });

  test("ends a snooze by what is done by its id, and not by a sweep of the page", () => {
    const snoozed = item(1, { snoozed_until: "2026-03-03T00:00:00Z" });
    const dismissed = { kind: "items" as const, action: "dismiss" as const, ids: [snoozed.id], at: NOW };
    const one = done(asked(holding(snoozed), { key: "a", change: dismissed }), "a").items.get(snoozed.id);
    expect(one).toMatchObject({ snoozed_until: null, dismissed_at: NOW });
    const all = { kind: "all" as const, action: "dismiss" as const, filter: {}, upTo: item(9), at: NOW };
    expect(done(asked(holding(snoozed), { key: "a", change: all }), "a").items.get(snoozed.id)).toEqual(snoozed);
  });

  test("changes with time alone", () => {
    const state = holding(
      item(1, { snoozed_until: "2026-03-02T13:00:00Z" }),
      item(2, { expires_at: "2026-03-02T12:30:00Z" }),
    );
    expect(titles(state)).toEqual([2]);
    expect(nextChange(state, NOW)).toBe("2026-03-02T12:30:00Z");
    expect(titles(state, "2026-03-02T13:00:00.000Z")).toEqual([1]);
  });

  test("is another one in another view, of what is known at once", () => {
    const state = holding(item(1, { dismissed_at: NOW }), item(2, { read_at: NOW }), item(3));
    expect(titles(viewed(state, { tab: "done" }))).toEqual([1]);
    expect(titles(viewed(state, { tab: "unread" }))).toEqual([3]);
    expect(titles(viewed(state, { tab: "open", severity: ["urgent"] }))).toEqual([]);
  });
});

const NOTHING = { sweeps: [], items: [], gone: [], resolved: [], resolved_at: null };

describe("what is told", () => {
  test("is counted once, and not where it was counted already", () => {
    let state = holding(item(1));
    state = told(state, { name: "notification", data: item(1) }, NOW);
    expect(state.counts?.unread).toBe(1);
    state = told(state, { name: "notification", data: item(2) }, NOW);
    state = told(state, { name: "notification", data: item(2) }, NOW);
    expect(state.counts).toMatchObject({ total: 2, by_topic: { billing: { unread: 2 } } });
  });

  test("is counted where a page had it that was read after the counts", () => {
    let state = paged(holding(item(1)), { items: [item(2), item(1)], next_cursor: null }, true);
    state = told(state, { name: "notification", data: item(2) }, NOW);
    expect(state.counts?.unread).toBe(2);
  });

  test("sweeps what it covers, and nothing that came after or is snoozed", () => {
    const snoozed = item(2, { snoozed_until: "2026-03-03T00:00:00Z" });
    const sweep = { level: "read" as const, at: NOW, lanes: [[STREAM, 1, 3] as [string, number, number]] };
    let state = holding(item(1), snoozed, item(3, { seen_at: "2026-03-02T10:00:00Z" }), item(4));
    state = told(state, { name: "state", data: { ...NOTHING, sweeps: [{ ...sweep, only_read: false }] } }, NOW);
    const read = [...state.items.values()].map((one) => one.read_at);
    expect(read).toEqual([NOW, null, NOW, null]);
    expect(state.items.get(item(3).id)?.seen_at).toBe("2026-03-02T10:00:00Z");
    const cleared = { ...sweep, level: "deleted" as const, lanes: [[STREAM, 1, 4] as [string, number, number]] };
    state = told(state, { name: "state", data: { ...NOTHING, sweeps: [{ ...cleared, only_read: true }] } }, NOW);
    expect([...state.items.values()].map((one) => one.seq)).toEqual([2, 4]);
  });

  test("changes the counts, unless they were counted after it", () => {
    const change = { name: "state" as const, data: { ...NOTHING, items: [item(1, { seen_at: NOW, read_at: NOW })] } };
    const state = holding(item(1), item(2));
    expect(told(state, change, NOW, position(6, 2)).counts).toMatchObject({ total: 2, unseen: 1, unread: 1 });
    expect(told(state, change, NOW, position(5, 2)).counts).toMatchObject({ total: 2, unseen: 2, unread: 2 });
  });

  test("takes away what is gone, one by one and by lanes", () => {
    let state = holding(item(1), item(2), item(3));
    state = told(state, { name: "gone", data: { ids: [item(3).id], lanes: [[STREAM, 1, 1]] } }, NOW);
    expect(titles(state)).toEqual([2]);
  });
});

describe("what is asked for", () => {
  const read = { kind: "items" as const, action: "read" as const, ids: [item(1).id], at: NOW };

  test("is shown at once, and is as it was where it is refused", () => {
    const before = holding(item(1), item(2));
    const pending = asked(before, { key: "a", change: read });
    expect(shown(pending).counts).toMatchObject({ total: 2, unread: 1 });
    expect(shown(refused(pending, "a"))).toEqual(before);
  });

  test("counts once where the stream tells it before it is answered", () => {
    let state = asked(holding(item(1), item(2)), { key: "a", change: read });
    const changed = item(1, { seen_at: NOW, read_at: NOW });
    state = told(state, { name: "state", data: { ...NOTHING, items: [changed] } }, NOW, position(6, 2));
    expect(shown(state).counts?.unread).toBe(1);
    expect(shown(done(state, "a")).counts?.unread).toBe(1);
  });

  test("marks all up to what was shown, and nothing newer", () => {
    const all = { kind: "all" as const, action: "read" as const, filter: {}, upTo: item(2), at: NOW };
    let state = asked(holding(item(1), item(2)), { key: "a", change: all });
    state = told(state, { name: "notification", data: item(3) }, NOW);
    const read_ = visible(shown(state), NOW).map((one) => one.read_at);
    expect(read_).toEqual([null, NOW, NOW]);
    expect(shown(done(state, "a")).counts?.by_severity["info"]?.unread).toBe(0);
  });
});
