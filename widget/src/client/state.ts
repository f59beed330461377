/**
 * What a client knows of an inbox, and what each thing that happens makes of it. Nothing here reads a clock, a
 * network or a document: the same state and the same event are always the same next state.
 */

import { countedUpTo, operationOf } from "./position";
import { compareTimes, isLater } from "./times";
import type {
  Action,
  Alert,
  BulkAction,
  Counts,
  Filter,
  Item,
  Level,
  Page,
  Severity,
  Status,
  StreamEvent,
  Sweep,
  Tally,
} from "./types";

export type Tab = "open" | "unread" | "done";

/** What is shown: a tab, narrowed. */
export interface View extends Filter {
  tab: Tab;
}

/** A place in the order in which lists stand: pinned ones first, then newest first. */
type Place = Pick<Item, "pinned" | "created_at" | "id">;

/** Something that was asked for and not answered yet; it is shown as if it were done. */
export interface Pending {
  key: string;
  change: Change;
}

export type Change =
  | { kind: "items"; action: Action; ids: string[]; at: string; until?: string }
  | { kind: "all"; action: BulkAction; filter: Filter; upTo: Item; at: string };

export interface State {
  /** Everything that was heard of, shown or not. */
  items: ReadonlyMap<string, Item>;
  counts: Counts | null;
  alerts: readonly Alert[];
  view: View;
  /** The last item of the pages that were read; null: nothing follows. What stands after it is not known. */
  end: Place | null;
  /** Where the next page begins; null: nothing follows. */
  cursor: string | null;
  /** Up to which seq the stream told what is new, by stream: so far it was counted one by one. */
  heard: ReadonlyMap<string, number>;
  /** Whether the first page of the view was read. */
  listed: boolean;
  pending: readonly Pending[];
}

export const EVERYTHING: View = { tab: "open" };

export const EMPTY: State = {
  items: new Map(),
  counts: null,
  alerts: [],
  view: EVERYTHING,
  end: null,
  cursor: null,
  heard: new Map(),
  listed: false,
  pending: [],
};

const LEVELS = ["seen", "read", "dismissed"] as const;
const RAISES: Partial<Record<Action, Level>> = {
  seen: "seen",
  read: "read",
  dismiss: "dismissed",
  delete: "deleted",
};

/** Which statuses a tab asks the server for. */
export const STATUSES: Record<Tab, Status[]> = {
  open: ["new", "seen"],
  unread: ["new", "seen"],
  done: ["snoozed", "dismissed", "resolved"],
};

// --- what the server answers -------------------------------------------------------------------------------

/** Another view; nothing of it was read yet, but what is known is shown until then. */
export function viewed(state: State, view: View): State {
  return { ...state, view, end: null, cursor: null, listed: false };
}

/**
 * A page of the view; the first one where `first`. With `before`, the items as they were when it was asked for,
 * what was told of an item since then stands: the page may have been read before that, and if it was read after
 * something newer, that is yet to be told. Where all items were in doubt (`anew`), only such others stay beside it.
 */
export function paged(
  state: State,
  page: Page,
  first: boolean,
  { before = state.items, anew = false }: { before?: ReadonlyMap<string, Item>; anew?: boolean } = {},
): State {
  const isNewer = (id: string) => state.items.get(id) !== before.get(id);
  const items = new Map(anew ? [...state.items].filter(([id]) => isNewer(id)) : state.items);
  for (const item of page.items) if (!isNewer(item.id)) items.set(item.id, item);
  const last = page.items.at(-1) ?? (first ? null : state.end);
  return {
    ...state,
    items,
    end: page.next_cursor === null ? null : last,
    cursor: page.next_cursor,
    listed: true,
  };
}

export function counted(state: State, counts: Counts): State {
  return { ...state, counts };
}

export function alerted(state: State, alerts: Alert[]): State {
  return { ...state, alerts };
}

// --- what the stream tells ---------------------------------------------------------------------------------

/**
 * The next state; `position` is where the event leads to, if it says so. `resync` and `preferences` say nothing
 * of the state, and what a sweep leaves is not counted here: who hears them asks anew.
 */
export function told(state: State, event: StreamEvent, at: string, position?: string): State {
  switch (event.name) {
    case "notification":
      return arrived(state, event.data);
    case "gone": {
      const { ids, lanes } = event.data;
      const gone = new Set([...ids, ...inLanes(state.items, lanes).map((item) => item.id)]);
      return { ...state, items: without(state.items, gone) };
    }
    case "state":
      return restated(state, event.data, at, position);
    case "alert": {
      const { business_id, id, alert } = event.data;
      const others = state.alerts.filter((one) => one.business_id !== business_id || one.id !== id);
      return { ...state, alerts: alert ? [alert, ...others] : others };
    }
    default:
      return state;
  }
}

/**
 * A new one, which was counted already where the counts are newer than it. That it is held says nothing of that:
 * a page that was read after the counts may have had it.
 */
function arrived(state: State, item: Item): State {
  const items = new Map(state.items).set(item.id, item);
  const before = state.heard.get(item.stream) ?? 0;
  const heard = new Map(state.heard).set(item.stream, Math.max(before, item.seq));
  const next = { ...state, items, heard };
  const upTo = state.counts && countedUpTo(state.counts.position);
  if (!state.counts || !upTo || item.seq <= Math.max(before, upTo.get(item.stream) ?? 0)) return next;
  return { ...next, counts: added(state.counts, item, { total: 1, unseen: 1, unread: 1 }) };
}

function restated(
  state: State,
  { sweeps, items: told, gone, resolved, resolved_at }: Extract<StreamEvent, { name: "state" }>["data"],
  at: string,
  position?: string,
): State {
  const items = new Map(without(sweeps.reduce(swept, state.items), new Set(gone)));
  const settled = resolved.flatMap((id) => items.get(id) ?? []);
  const changed = [...told, ...settled.map((one) => ({ ...one, resolved_at: one.resolved_at ?? resolved_at }))];
  let counts = state.counts;
  const isCounted = counts && position && operationOf(position) <= operationOf(counts.position);
  for (const item of changed) {
    const before = items.get(item.id);
    if (counts && before && !isCounted) counts = added(counts, before, difference(before, item, at));
    items.set(item.id, item);
  }
  return { ...state, items, counts };
}

function swept(items: ReadonlyMap<string, Item>, sweep: Sweep): ReadonlyMap<string, Item> {
  const next = new Map(items);
  for (const item of inLanes(items, sweep.lanes)) {
    const snoozed = item.snoozed_until !== null && isLater(item.snoozed_until, sweep.at);
    if (snoozed || (sweep.only_read && item.read_at === null)) continue;
    if (sweep.level === "deleted") next.delete(item.id);
    else next.set(item.id, raised(item, sweep.level, sweep.at));
  }
  return next;
}

function inLanes(items: ReadonlyMap<string, Item>, lanes: Sweep["lanes"]): Item[] {
  const upTo = new Map(lanes.map(([stream, lane, position]) => [`${stream}/${lane}`, position]));
  return [...items.values()].filter((item) => item.position <= (upTo.get(`${item.stream}/${item.lane}`) ?? 0));
}

function without(items: ReadonlyMap<string, Item>, ids: ReadonlySet<string>): ReadonlyMap<string, Item> {
  return ids.size ? new Map([...items].filter(([id]) => !ids.has(id))) : items;
}

// --- what the reader does ----------------------------------------------------------------------------------

export function asked(state: State, pending: Pending): State {
  return { ...state, pending: [...state.pending, pending] };
}

/** It was refused, or never answered: as if it had not been asked for. */
export function refused(state: State, key: string): State {
  return { ...state, pending: state.pending.filter((one) => one.key !== key) };
}

/** It is done. */
export function done(state: State, key: string): State {
  const pending = state.pending.find((one) => one.key === key);
  return pending ? changed(refused(state, key), pending.change) : state;
}

/** The state as it is shown: with all that was asked for. */
export function shown(state: State): State {
  return state.pending.reduce<State>((next, one) => changed(next, one.change), { ...state, pending: [] });
}

function changed(state: State, change: Change): State {
  const items = new Map(state.items);
  let counts = state.counts;
  const named =
    change.kind === "items"
      ? change.ids.flatMap((id) => items.get(id) ?? [])
      : [...items.values()].filter((item) => isMeant(item, change));
  for (const item of named) {
    const next = acted(item, change);
    if (next === null) items.delete(item.id);
    else items.set(item.id, next);
    if (counts && change.kind === "items") counts = added(counts, item, difference(item, next, change.at));
  }
  if (counts && change.kind === "all" && isEverything(change.filter)) counts = emptied(counts, change.action);
  return { ...state, items, counts };
}

/** Of a narrower filter only the server knows what is left in each part. */
function isEverything(filter: Filter): boolean {
  return !filter.scope && !filter.topic?.length && !filter.severity?.length;
}

function isMeant(item: Item, change: Extract<Change, { kind: "all" }>): boolean {
  const snoozed = item.snoozed_until !== null && isLater(item.snoozed_until, change.at);
  return matches(item, change.filter) && !snoozed && newestFirst(item, change.upTo) >= 0;
}

/** What becomes of an item; null: it is gone. */
function acted(item: Item, change: Change): Item | null {
  const level = RAISES[change.action];
  if (level === "deleted") return null;
  // By its id, a running snooze ends first; and what snoozes is new.
  if (level) return raised(change.kind === "items" ? { ...item, snoozed_until: null } : item, level, change.at);
  switch (change.action) {
    case "pin":
    case "unpin":
      return { ...item, pinned: change.action === "pin" };
    case "unread":
      return { ...item, read_at: null };
    case "restore":
      return { ...item, dismissed_at: null };
    case "snooze":
      return {
        ...item,
        snoozed_until: (change.kind === "items" && change.until) || null,
        seen_at: null,
        read_at: null,
      };
    default:
      return { ...item, snoozed_until: null };
  }
}

function raised(item: Item, level: Exclude<Level, "deleted">, at: string): Item {
  const next = { ...item };
  for (const each of LEVELS.slice(0, LEVELS.indexOf(level) + 1)) next[`${each}_at`] ??= at;
  return next;
}

// --- counts ------------------------------------------------------------------------------------------------

function difference(before: Item, after: Item | null, at: string): Tally {
  const [was, is] = [weight(before, at), after ? weight(after, at) : NOTHING];
  return { total: is.total - was.total, unseen: is.unseen - was.unseen, unread: is.unread - was.unread };
}

const NOTHING: Tally = { total: 0, unseen: 0, unread: 0 };

function weight(item: Item, at: string): Tally {
  if (!STATUSES.open.includes(statusOf(item, at))) return NOTHING;
  return { total: 1, unseen: item.seen_at ? 0 : 1, unread: item.read_at ? 0 : 1 };
}

function plus<T extends Tally>(tally: T, more: Tally): T {
  return {
    ...tally,
    total: Math.max(0, tally.total + more.total),
    unseen: Math.max(0, tally.unseen + more.unseen),
    unread: Math.max(0, tally.unread + more.unread),
  };
}

function added(counts: Counts, item: Item, more: Tally): Counts {
  const isScope = (one: { scope: string; scope_id: string | null }) =>
    one.scope === item.scope && one.scope_id === item.scope_id;
  const known = counts.by_scope.some(isScope);
  const scopes = known
    ? counts.by_scope
    : [...counts.by_scope, { scope: item.scope, scope_id: item.scope_id, ...NOTHING }];
  return {
    ...plus(counts, more),
    by_scope: scopes.map((one) => (isScope(one) ? plus(one, more) : one)),
    by_topic: { ...counts.by_topic, [item.topic]: plus(counts.by_topic[item.topic] ?? NOTHING, more) },
    by_severity: {
      ...counts.by_severity,
      [item.severity]: plus(counts.by_severity[item.severity] ?? NOTHING, more),
    },
  };
}

function emptied(counts: Counts, action: BulkAction): Counts {
  const empty = <T extends Tally>(tally: T): T => ({
    ...tally,
    unseen: 0,
    unread: action === "seen" ? tally.unread : 0,
    total: action === "dismiss" ? 0 : tally.total,
  });
  const each = (tallies: Record<string, Tally>) =>
    Object.fromEntries(Object.entries(tallies).map(([key, tally]) => [key, empty(tally)]));
  return {
    ...empty(counts),
    by_scope: counts.by_scope.map(empty),
    by_topic: each(counts.by_topic),
    by_severity: each(counts.by_severity),
  };
}

// --- what is shown -----------------------------------------------------------------------------------------

/** What the item is at that time: a snooze ends by itself. */
export function statusOf(item: Item, at: string): Status {
  if (item.resolved_at) return "resolved";
  if (item.dismissed_at) return "dismissed";
  if (item.snoozed_until && isLater(item.snoozed_until, at)) return "snoozed";
  return item.seen_at ? "seen" : "new";
}

/** The items of the view, in their order, as far as it is known. */
export function visible(state: State, at: string): Item[] {
  const { view, end } = state;
  return [...state.items.values()]
    .filter((item) => !isExpired(item, at) && fits(item, view, at) && (end === null || compare(item, end) <= 0))
    .map((item) => ({ ...item, status: statusOf(item, at) }))
    .sort(compare);
}

/** When time alone next changes what is shown; null: it never does. */
export function nextChange(state: State, at: string): string | null {
  const times = [...state.items.values()].flatMap((item) => [item.snoozed_until, item.expires_at]);
  const ahead = times.filter((time): time is string => time !== null && isLater(time, at));
  return ahead.sort(compareTimes)[0] ?? null;
}

function isExpired(item: Item, at: string): boolean {
  return item.expires_at !== null && !isLater(item.expires_at, at);
}

function fits(item: Item, view: View, at: string): boolean {
  return (
    STATUSES[view.tab].includes(statusOf(item, at)) &&
    (view.tab !== "unread" || item.read_at === null) &&
    matches(item, view)
  );
}

function matches(item: Item, filter: Filter): boolean {
  return (
    (!filter.scope || filter.scope === item.scope) &&
    (!filter.scope_id || filter.scope_id === item.scope_id) &&
    (!filter.topic?.length || filter.topic.includes(item.topic)) &&
    (!filter.severity?.length || filter.severity.includes(item.severity as Severity))
  );
}

function compare(a: Place, b: Place): number {
  return a.pinned === b.pinned ? newestFirst(a, b) : a.pinned ? -1 : 1;
}

function newestFirst(a: Omit<Place, "pinned">, b: Omit<Place, "pinned">): number {
  return compareTimes(b.created_at, a.created_at) || (a.id === b.id ? 0 : a.id > b.id ? -1 : 1);
}
