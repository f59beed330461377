/** What goes over the wire, as the native API has it (`/docs/native/openapi.json`). Times are ISO 8601 texts. */

export type Severity = "info" | "warning" | "urgent";
export type Status = "new" | "seen" | "dismissed" | "snoozed" | "resolved";
export type Scope = "me" | "business" | "firm";
export type Level = "seen" | "read" | "dismissed" | "deleted";

/** A button that the sender gave a notification; other members are the host page's to make sense of. */
export interface ItemAction {
  label?: string;
  url?: string;
  [more: string]: unknown;
}

/** A notification as the reader has it. */
export interface Item {
  id: string;
  scope: Scope;
  scope_id: string | null;
  stream: string;
  seq: number;
  lane: number;
  position: number;
  event: string;
  topic: string;
  severity: Severity;
  status: Status;
  title: string;
  body: string | null;
  data: Record<string, unknown>;
  actions: ItemAction[];
  pinned: boolean;
  seen_at: string | null;
  read_at: string | null;
  dismissed_at: string | null;
  snoozed_until: string | null;
  created_at: string;
  occurred_at: string | null;
  expires_at: string | null;
  resolved_at: string | null;
}

/** How many are open, and how many of these are not seen and not read yet. */
export interface Tally {
  total: number;
  unseen: number;
  unread: number;
}

export interface ScopeTally extends Tally {
  scope: Scope;
  scope_id: string | null;
}

export interface Counts extends Tally {
  by_scope: ScopeTally[];
  by_topic: Record<string, Tally>;
  by_severity: Record<string, Tally>;
  /** Up to where it was counted; as Last-Event-ID the stream tells what came since. */
  position: string;
}

export interface Page {
  items: Item[];
  next_cursor: string | null;
}

/** Something that holds now, until the sender clears it; in no list and no count. */
export interface Alert {
  business_id: string;
  id: string;
  kind: string;
  severity: Severity;
  title: string;
  body: string | null;
  data: Record<string, unknown>;
  raised_at: string;
  [more: string]: unknown;
}

/** Which notifications are meant; what is left out restricts nothing. */
export interface Filter {
  scope?: Scope;
  scope_id?: string;
  topic?: string[];
  severity?: Severity[];
}

export type BulkAction = "seen" | "read" | "dismiss";
export type Action =
  | BulkAction
  | "delete"
  | "unread"
  | "restore"
  | "pin"
  | "unpin"
  | "snooze"
  | "unsnooze";

/** What an operation did; with `operation` it can be undone, where it is one that can. */
export interface OperationDone {
  operation: string | null;
  updated: number;
  counts: Tally;
}

export type Channel = string;

export interface Choice {
  enabled: boolean;
  source: "default" | "topic" | "event" | "critical";
}

export interface EventPreference {
  event: string;
  topic: string;
  critical: boolean;
  channels: Record<Channel, Choice>;
}

export interface QuietHours {
  begins: string;
  ends: string;
  time_zone: string;
}

export interface Preferences {
  events: EventPreference[];
  topics: Record<string, Record<Channel, Choice>>;
  quiet_hours: QuietHours | null;
  available_channels: Channel[];
}

/** Everything up to these positions is at least at this level now, but what was snoozed then. */
export interface Sweep {
  level: Level;
  at: string;
  lanes: [stream: string, lane: number, position: number][];
  only_read: boolean;
}

/** What the stream tells. */
export type StreamEvent =
  | { name: "notification"; data: Item }
  | { name: "gone"; data: { ids: string[]; lanes: Sweep["lanes"] } }
  | {
      name: "state";
      data: { sweeps: Sweep[]; items: Item[]; gone: string[]; resolved: string[]; resolved_at: string | null };
    }
  | { name: "alert"; data: { business_id: string; id: string; alert: Alert | null } }
  | { name: "preferences"; data: Record<string, never> }
  | { name: "resync"; data: Record<string, never> };
