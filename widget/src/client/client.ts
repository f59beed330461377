import { Api, ApiError, type GetToken } from "./api";
import {
  alerted,
  asked,
  type Change,
  counted,
  done,
  EMPTY,
  nextChange,
  paged,
  refused,
  shown,
  type State,
  STATUSES,
  told,
  type View,
  viewed,
  visible,
} from "./state";
import { type Hearer, Stream } from "./stream";
import type {
  Action,
  Alert,
  BulkAction,
  Filter,
  Item,
  OperationDone,
  Page,
  Preferences,
  QuietHours,
  StreamEvent,
} from "./types";

/** `offline`: it is tried again by itself; `unauthorized`: it is not. */
export type Connection = "connecting" | "live" | "offline" | "unauthorized";

export interface Snapshot {
  /** With all that was asked for, as if it were done. */
  state: State;
  /** Those of the view, in their order. */
  items: readonly Item[];
  connection: Connection;
  isLoadingMore: boolean;
  /** Why nothing can be shown, or not all that follows. */
  error: Error | null;
}

export interface ClientOptions {
  /** Where Tidings is, such as `https://tidings.example`; without a slash at its end. */
  server: string;
  /** A token of the reader; asked for anew where it does not hold any more. */
  getToken: GetToken;
  /** In the place of the platform's, for tests. */
  fetch?: typeof globalThis.fetch;
}

const PAGE = 25;
const PAGE_TRIES = 5; // where things are told without a pause, better one in doubt than none
const RECOUNT_MS = 100;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * An inbox that keeps itself up to date. It is an EventTarget: `change` says that `snapshot` is another one,
 * `arrival` (a CustomEvent with the Item) that a notification came, `preferences` that they were changed.
 */
export class InboxClient extends EventTarget {
  private readonly api: Api;
  private state: State = EMPTY;
  private stream: Stream | null = null;
  private position: string | null = null;
  private connection: Connection = "connecting";
  private error: Error | null = null;
  private isLoadingMore = false;
  private isRefreshing = false;
  private isStale = false;
  private counting: ReturnType<typeof setTimeout> | null = null;
  private ticking: ReturnType<typeof setTimeout> | null = null;
  private kept: Snapshot | null = null;
  private changes = 0; // told by the stream, of what was there already
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: ClientOptions) {
    super();
    this.api = new Api(options.server, options.getToken, options.fetch);
  }

  get snapshot(): Snapshot {
    if (!this.kept) {
      const state = shown(this.state);
      const { connection, isLoadingMore, error } = this;
      this.kept = { state, items: visible(state, now()), connection, isLoadingMore, error };
    }
    return this.kept;
  }

  /** Look, and follow from then on. */
  start(): void {
    if (this.stream) return;
    this.connection = "connecting";
    this.stream = new Stream(this.api, this.hearer);
    globalThis.addEventListener?.("online", this.online);
    globalThis.addEventListener?.("offline", this.offline);
    void this.stream.run();
  }

  stop(): void {
    this.stream?.close();
    this.stream = null;
    globalThis.removeEventListener?.("online", this.online);
    globalThis.removeEventListener?.("offline", this.offline);
    for (const timer of [this.counting, this.ticking]) if (timer !== null) clearTimeout(timer);
    this.counting = this.ticking = null;
  }

  /** Try again at once what failed. */
  retry(): void {
    this.error = null;
    if (this.connection === "unauthorized") {
      this.stop();
      this.start();
    } else if (this.connection === "live") {
      void this.refresh();
    } else {
      this.stream?.retry();
    }
    this.changed();
  }

  // --- what is shown --------------------------------------------------------------------------------------

  setView(view: View): void {
    this.set(viewed(this.state, view));
    void this.listFirst();
  }

  /** The next page of the view, if there is one and none is on its way. */
  async loadMore(): Promise<void> {
    const { view, cursor, items: before } = this.state;
    if (!cursor || this.isLoadingMore) return;
    this.isLoadingMore = true;
    this.changed();
    await this.tried(async () => {
      const page = await this.page({ ...queryOf(view), cursor, limit: PAGE });
      if (this.state.view === view && this.state.cursor === cursor) {
        this.set(paged(this.state, page, false, { before }));
      }
    });
    this.isLoadingMore = false;
    this.changed();
  }

  /** Look at everything anew; what was known is shown until then. */
  async refresh(): Promise<void> {
    this.isStale = true;
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    try {
      while (this.isStale) {
        this.isStale = false;
        await this.lookAnew();
      }
    } catch (error) {
      this.failed(error);
    } finally {
      this.isRefreshing = false;
    }
  }

  /** The counts first: what comes between the two is told by the stream, which begins there. */
  private async lookAnew(): Promise<void> {
    const { view, items: before } = this.state;
    const counts = await this.api.counts();
    this.position ??= counts.position;
    this.set(counted(this.state, counts));
    const many = Math.min(100, Math.max(PAGE, visible(this.state, now()).length));
    const [page, alerts] = await Promise.all([
      this.page({ ...queryOf(view), limit: many }),
      this.api.alerts(),
    ]);
    this.error = null;
    if (this.state.view === view) this.set(paged(this.state, page, true, { before, anew: true }));
    this.set(alerted(this.state, alerts));
  }

  private async listFirst(): Promise<void> {
    const { view, items: before } = this.state;
    await this.tried(async () => {
      const page = await this.page({ ...queryOf(view), limit: PAGE });
      if (this.state.view === view) this.set(paged(this.state, page, true, { before }));
    });
  }

  /**
   * A page during whose reading nothing was told but what is new. What was swept or went meanwhile is applied to
   * what is held by then; the page would bring others as they were before.
   */
  private async page(query: Parameters<Api["page"]>[0]): Promise<Page> {
    for (let more = PAGE_TRIES; ; more -= 1) {
      const before = this.changes;
      const page = await this.api.page(query);
      if (this.changes === before || more === 1) return page;
    }
  }

  // --- what the reader does -------------------------------------------------------------------------------

  /** Do something to these; it is shown at once, and taken back where it fails. `until` goes with snooze. */
  act(action: Action, ids: string[], until?: string): Promise<OperationDone> {
    const more = until === undefined ? {} : { until };
    return this.optimistically({ kind: "items", action, ids, at: now(), ...more }, { action, ids, ...more });
  }

  /**
   * Do something to all that the view's scope, topics and severities mean, on whatever page, up to the newest
   * one that is shown. Null where nothing is.
   */
  async actOnAll(action: BulkAction): Promise<OperationDone | null> {
    const { scope, scope_id, topic, severity } = this.state.view;
    const filter = Object.fromEntries(
      Object.entries({ scope, scope_id, topic, severity }).filter(([, value]) => value !== undefined),
    ) as Filter;
    const [first, ...others] = this.snapshot.items;
    if (!first) return null;
    const upTo = others.reduce((newest, one) => (one.created_at > newest.created_at ? one : newest), first);
    return this.optimistically(
      { kind: "all", action, filter, upTo, at: now() },
      { action, filter, up_to: upTo.id },
    );
  }

  /** Take back an operation, within ten minutes. */
  async undo(operation: string): Promise<OperationDone> {
    const done = await this.inTurn(() => this.api.undo(operation));
    await this.refresh();
    return done;
  }

  async dismissAlert(alert: Alert): Promise<OperationDone> {
    const done = await this.api.dismissAlert(alert);
    this.set(alerted(this.state, this.state.alerts.filter((one) => one !== alert)));
    return done;
  }

  preferences(): Promise<Preferences> {
    return this.api.preferences();
  }

  /** Null: as if nothing had been chosen. */
  choose(kind: "events" | "topics", key: string, channel: string, enabled: boolean | null): Promise<Preferences> {
    return this.api.choose(kind, key, channel, enabled);
  }

  setQuietHours(hours: QuietHours | null): Promise<Preferences> {
    return this.api.setQuietHours(hours);
  }

  /** One after the other: who reads something and takes that back means it in this order. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => {});
    return mine;
  }

  private async optimistically(change: Change, body: Record<string, unknown>): Promise<OperationDone> {
    const key = `${change.at} ${Math.random()}`;
    this.set(asked(this.state, { key, change }));
    try {
      const answer = await this.inTurn(() => this.api.operate(body));
      this.set(done(this.state, key));
      this.recount();
      return answer;
    } catch (error) {
      this.set(refused(this.state, key));
      throw error;
    }
  }

  // --- what the stream tells ------------------------------------------------------------------------------

  private readonly hearer: Hearer = {
    begin: async () => {
      if (this.position === null) await this.lookAnew();
      return this.position ?? "";
    },
    heard: (event, position) => this.hear(event, position),
    cameTo: (position) => {
      this.position = position;
    },
    connected: () => {
      this.connection = "live";
      this.error = null;
      this.changed();
    },
    cut: (error) => this.failed(error),
  };

  private hear(event: StreamEvent, position?: string): void {
    const isNew = event.name === "notification" && !this.state.items.has(event.data.id);
    this.set(told(this.state, event, now(), position));
    if (event.name === "notification") {
      if (isNew) this.dispatchEvent(new CustomEvent("arrival", { detail: event.data }));
    } else if (event.name === "resync") {
      void this.refresh();
    } else if (event.name === "preferences") {
      this.dispatchEvent(new Event("preferences"));
    } else if (event.name !== "alert") {
      this.changes += 1;
      this.recount();
    }
  }

  /** Ask for the counts soon, once for all that happens until then. */
  private recount(): void {
    this.counting ??= setTimeout(() => {
      this.counting = null;
      void this.tried(async () => {
        const counts = await this.api.counts();
        this.set(counted(this.state, counts)); // the state as it is by then
      });
    }, RECOUNT_MS);
  }

  private readonly online = (): void => this.stream?.retry();

  private readonly offline = (): void => {
    this.stream?.drop();
    this.connection = "offline";
    this.changed();
  };

  // --- changes --------------------------------------------------------------------------------------------

  private async tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    const isRefused = error instanceof ApiError && error.status === 401;
    if (isRefused) this.connection = "unauthorized";
    else if (!(error instanceof ApiError)) this.connection = "offline";
    this.error = error instanceof Error ? error : new Error(String(error));
    this.changed();
  }

  private set(state: State): void {
    this.state = state;
    this.changed();
    this.tickAt(nextChange(state, now()));
  }

  /** Snoozes end and things expire by themselves; nobody tells it. */
  private tickAt(time: string | null): void {
    if (this.ticking !== null) clearTimeout(this.ticking);
    this.ticking = null;
    if (time === null || !this.stream) return;
    const wait = Math.min(LONGEST_TIMER_MS, Math.max(0, Date.parse(time) - Date.now()) + 50);
    this.ticking = setTimeout(() => {
      this.set(this.state);
      this.recount();
    }, wait);
  }

  private changed(): void {
    this.kept = null;
    this.dispatchEvent(new Event("change"));
  }
}

/** By this machine's clock, which the server's need not agree with: it only dates what is shown until it answers. */
function now(): string {
  return new Date().toISOString();
}

function queryOf(view: View) {
  const { tab, ...filter } = view;
  return { ...filter, status: STATUSES[tab], ...(tab === "unread" ? { unread: true } : {}) };
}
