import { html, LitElement, nothing, type TemplateResult } from "lit";
import {
  type GetToken,
  InboxClient,
  type Item,
  type ItemAction,
  type Preferences,
  type QuietHours,
  type Severity,
  type Snapshot,
  type Tab,
  type View,
} from "../client";
import { BACK, BELL, CHECK, CLOSE, GEAR } from "./icons";
import { type Choice, type ItemHost, renderItem } from "./item";
import { type PreferencesHost, renderPreferences, withChoice } from "./preferences";
import { type Key, Language } from "./strings";
import { styles } from "./styles";

const TABS: Tab[] = ["open", "unread", "done"];
const SEVERITIES: Severity[] = ["urgent", "warning", "info"];
const TOAST_MS = 10_000;
const SEEN_MS = 1_000;
const SKELETONS = 6;

interface Toast {
  text: string;
  undo?: () => Promise<unknown>;
}

/**
 * `<tidings-inbox>`: a bell, and the inbox behind it. See README for its attributes, events, custom properties
 * and parts.
 */
export class TidingsInbox extends LitElement implements ItemHost, PreferencesHost {
  static override styles = styles;
  static override properties = {
    server: { type: String },
    token: { type: String },
    lang: { type: String },
    scopeNames: { attribute: false },
    getToken: { attribute: false },
    isOpen: { type: Boolean, reflect: true, attribute: "open" },
    menu: { state: true },
    toast: { state: true },
    preferences: { state: true },
    language: { state: true },
  };

  /** Where Tidings is. Left out: where this script came from. */
  declare server: string;
  /** The reader's token, in the place of `getToken`. */
  declare token: string | null;
  /** Called for a token, and again where it does not hold any more. */
  declare getToken: GetToken | null;
  /** What businesses and firms are called, by their ids. */
  declare scopeNames: Record<string, string>;
  declare isOpen: boolean;
  declare menu: string | null;
  declare language: Language;
  private declare toast: Toast | null;
  private declare preferences: Preferences | "asked" | null;

  private client: InboxClient | null = null;
  /** What is being saved: the last of it, and what there was before the first. */
  private saving: { last: Promise<unknown>; before: Preferences } | null = null;
  private announcement = "";
  private toasting: ReturnType<typeof setTimeout> | null = null;
  private seeing: ReturnType<typeof setTimeout> | null = null;
  private watcher: IntersectionObserver | null = null;
  private told = "";

  constructor() {
    super();
    this.server = new URL(import.meta.url).origin;
    this.token = this.getToken = this.menu = this.toast = this.preferences = null;
    this.scopeNames = {};
    this.isOpen = false;
  }

  // --- life -----------------------------------------------------------------------------------------------

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("pointerdown", this.pressed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("pointerdown", this.pressed);
    this.client?.stop();
    this.client = null;
    this.watcher?.disconnect();
  }

  protected override async scheduleUpdate(): Promise<void> {
    this.language ??= await Language.load(this.tag);
    super.scheduleUpdate();
  }

  protected override willUpdate(changes: Map<PropertyKey, unknown>): void {
    if (changes.has("lang") && this.language.tag !== this.tag) {
      void Language.load(this.tag).then((language) => (this.language = language));
    }
    if (["server", "token", "getToken"].some((name) => changes.has(name)) || !this.client) this.connect();
  }

  protected override updated(changes: Map<PropertyKey, unknown>): void {
    if (changes.has("isOpen") && changes.get("isOpen") !== undefined) this.opened();
    if (changes.has("menu") && this.menu) this.find<HTMLElement>(".menu button")?.focus();
    const more = this.find(".more");
    this.watcher?.disconnect();
    if (more) {
      this.watcher = new IntersectionObserver((entries) => {
        if (entries.some((entry) => entry.isIntersecting)) void this.client?.loadMore();
      });
      this.watcher.observe(more);
    }
  }

  private get tag(): string {
    return this.lang || this.closest<HTMLElement>("[lang]")?.lang || navigator.language || "en";
  }

  private connect(): void {
    this.client?.stop();
    this.client = null;
    if (!this.isConnected || (!this.token && !this.getToken)) return;
    const client = new InboxClient({
      server: this.server.replace(/\/$/, ""),
      getToken: () => (this.getToken ? this.getToken() : this.token),
    });
    client.addEventListener("change", () => this.changed());
    client.addEventListener("arrival", (event) => this.arrived((event as CustomEvent<Item>).detail));
    // While something is being saved it is the answer to that which tells what there is.
    client.addEventListener("preferences", () => this.preferences && !this.saving && void this.showPreferences());
    this.client = client;
    client.start();
  }

  private changed(): void {
    const { state, connection, error } = this.client?.snapshot ?? {};
    const counts = state?.counts;
    const told = `${counts?.unseen} ${counts?.unread} ${connection}`;
    if (told !== this.told) {
      this.told = told;
      if (counts) this.tell("tidings-count", { unseen: counts.unseen, unread: counts.unread });
      if (connection === "unauthorized") this.tell("tidings-auth-required", { error });
    }
    if (this.isOpen) this.see();
    this.requestUpdate();
  }

  private arrived(item: Item): void {
    this.announce(this.language.say("arrived", { title: item.title }));
    this.tell("tidings-notification", { item });
  }

  /** What was on the screen for a moment was seen. */
  private see(): void {
    this.seeing ??= setTimeout(() => {
      this.seeing = null;
      const { items = [], connection } = this.client?.snapshot ?? {};
      const ids = items.filter((item) => item.status === "new").map((item) => item.id);
      if (this.isOpen && ids.length && connection === "live") this.client?.act("seen", ids).catch(() => {});
    }, SEEN_MS);
  }

  // --- opening and closing --------------------------------------------------------------------------------

  show(): void {
    this.isOpen = true;
  }

  /** The focus goes back to the bell, if it was within. */
  close(): void {
    if (this.matches(":focus-within")) void this.updateComplete.then(() => this.find<HTMLElement>(".bell")?.focus());
    this.hide();
  }

  private hide(): void {
    this.isOpen = false;
    this.menu = this.preferences = null;
  }

  private opened(): void {
    this.tell(this.isOpen ? "tidings-open" : "tidings-close", {});
    if (this.isOpen) {
      this.see();
      this.find<HTMLElement>("[role=tab][aria-selected=true]")?.focus();
    }
  }

  private readonly pressed = (event: Event): void => {
    const path = event.composedPath();
    if (this.isOpen && !path.includes(this)) this.hide();
    else if (this.menu && !path.some((one) => one instanceof Element && one.matches?.(".menu, [aria-haspopup]"))) {
      this.menu = null;
    }
  };

  private keyed(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      event.stopPropagation();
      if (this.menu) this.closeMenu();
      else if (this.preferences) this.preferences = null;
      else this.close();
      return;
    }
    const target = event.composedPath()[0] as HTMLElement;
    const group = target.closest<HTMLElement>("[role=tablist], [role=menu], .list");
    if (!group) return;
    const inList = group.matches(".list");
    const isRtl = this.matches(":dir(rtl)");
    const forward = group.matches("[role=tablist]") ? (isRtl ? "ArrowLeft" : "ArrowRight") : "ArrowDown";
    const back = group.matches("[role=tablist]") ? (isRtl ? "ArrowRight" : "ArrowLeft") : "ArrowUp";
    const all = [...group.querySelectorAll<HTMLElement>(inList ? ".main" : "button")];
    const at = all.indexOf(inList ? (target.closest(".item")?.querySelector<HTMLElement>(".main") ?? target) : target);
    const to = { [forward]: at + 1, [back]: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = all[inList ? Math.max(0, Math.min(to, all.length - 1)) : (to + all.length) % all.length];
    next?.focus();
    if (group.matches("[role=tablist]")) next?.click();
  }

  private closeMenu(): void {
    const id = this.menu;
    this.menu = null;
    void this.updateComplete.then(() => this.find<HTMLElement>(`[data-id="${id}"] > .icon`)?.focus());
  }

  // --- what the reader does -------------------------------------------------------------------------------

  select(item: Item): void {
    const goes = this.tell("tidings-select", { item });
    if (item.read_at === null && item.status !== "snoozed") {
      this.toast = null;
      void this.done(this.keepingFocus(item, () => this.client?.act("read", [item.id])));
    }
    const url = item.data["url"];
    if (goes && typeof url === "string" && /^(https?:|\/)/.test(url)) location.assign(url);
  }

  toggleMenu(item: Item): void {
    this.menu = this.menu === item.id ? null : item.id;
  }

  choose(item: Item, choice: Choice): void;
  choose(event: string, channel: string, enabled: boolean): void;
  choose(subject: Item | string, choice: Choice | string, enabled?: boolean): void {
    if (typeof subject === "string") {
      void this.chooseChannel(subject, choice as string, enabled === true);
    } else {
      this.menu = null;
      void this.chosen(subject, choice as Choice);
    }
  }

  private async chosen(item: Item, choice: Choice): Promise<void> {
    const client = this.client;
    if (!client) return;
    const until = choice.until?.().toISOString();
    this.toast = null; // its Undo is of what was done before
    const done = await this.done(this.keepingFocus(item, () => client.act(choice.action, [item.id], until)));
    if (!done) return;
    const { operation } = done;
    const back = operation ? () => client.undo(operation) : undefined;
    const say = (key: Key, values = {}) => this.language.say(key, values);
    if (choice.action === "read") this.showToast(say("wasRead"), back);
    if (choice.action === "dismiss") this.showToast(say("wasDismissed"), back);
    if (choice.action === "unread") this.showToast(say("wasUnread"), () => client.act("read", [item.id]));
    if (choice.action === "snooze" && until) {
      const time = this.language.moment(until);
      this.showToast(say("wasSnoozed", { time }), () => client.act("unsnooze", [item.id]));
    }
  }

  /** Where the item leaves the list, the one after it takes its place, and the focus. */
  private keepingFocus<T>({ id }: Item, work: () => T): T {
    const items = this.client?.snapshot.items ?? [];
    const at = items.findIndex((one) => one.id === id);
    const next = (items[at + 1] ?? items[at - 1])?.id;
    const result = work();
    void this.updateComplete.then(() => {
      const main = (one?: string) => this.find<HTMLElement>(`[data-id="${one}"] .main`);
      (main(id) ?? main(next) ?? this.find<HTMLElement>("[role=tab][aria-selected=true]"))?.focus();
    });
    return result;
  }

  activate(item: Item, action: ItemAction, event: Event): void {
    if (!this.tell("tidings-action", { item, action })) event.preventDefault();
    if (item.read_at === null) void this.done(this.client?.act("read", [item.id]));
  }

  private async markAll(): Promise<void> {
    const client = this.client;
    this.toast = null;
    const done = client && (await this.done(client.actOnAll("read")));
    if (!done) return;
    const { operation, updated } = done;
    this.showToast(
      this.language.say("markedAll", { n: updated }),
      operation ? () => client.undo(operation) : undefined,
    );
  }

  /** What it answers; undefined where it failed, which is said. */
  private async done<T>(work: Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      this.showToast(this.language.say("failed"));
      this.tell("tidings-error", { error });
      return undefined;
    }
  }

  private showToast(text: string, undo?: () => Promise<unknown>): void {
    if (this.toasting !== null) clearTimeout(this.toasting);
    this.toast = undo ? { text, undo } : { text };
    this.announce(text);
    this.toasting = setTimeout(() => (this.toast = null), TOAST_MS);
  }

  private async undo(): Promise<void> {
    const undo = this.toast?.undo;
    this.toast = null;
    if (undo && (await this.done(undo().then(() => true)))) this.announce(this.language.say("undone"));
    this.find<HTMLElement>("[role=tab][aria-selected=true]")?.focus();
  }

  private narrow(change: Partial<View>): void {
    if (!this.client) return;
    this.menu = null;
    this.client.setView({ ...this.client.snapshot.state.view, ...change });
    this.find(".scroll")?.scrollTo(0, 0);
  }

  // --- preferences ----------------------------------------------------------------------------------------

  private async showPreferences(): Promise<void> {
    this.preferences ??= "asked";
    const found = await this.done(this.client?.preferences());
    if (this.preferences) this.preferences = found ?? null;
  }

  private async chooseChannel(event: string, channel: string, enabled: boolean): Promise<void> {
    await this.changePreferences(
      (now) => withChoice(now, event, channel, enabled),
      (client) => client.choose("events", event, channel, enabled),
    );
  }

  setQuietHours(hours: QuietHours | null): void {
    void this.changePreferences(
      (now) => ({ ...now, quiet_hours: hours }),
      (client) => client.setQuietHours(hours),
    );
  }

  /**
   * Shown at once, and sent in its turn. What is answered to the last of several changes stands; where one
   * failed it is what the server has, or, where that cannot be known either, what was there before it.
   */
  private async changePreferences(
    change: (now: Preferences) => Preferences,
    send: (client: InboxClient) => Promise<Preferences>,
  ): Promise<void> {
    const { client, preferences: now } = this;
    if (!client || now === null || now === "asked") return;
    this.preferences = change(now);
    const { last, before } = this.saving ?? { last: Promise.resolve(), before: now };
    const mine = last.then(() => this.done(send(client)));
    this.saving = { last: mine, before };
    const saved = await mine;
    if (saved) this.showToast(this.language.say("saved"));
    if (this.saving?.last !== mine) return;
    const found = saved ?? (await client.preferences().catch(() => before));
    if (this.saving?.last !== mine) return;
    this.saving = null;
    if (this.preferences) this.preferences = found;
  }

  // --- what is shown --------------------------------------------------------------------------------------

  protected override render(): TemplateResult {
    const unread = this.client?.snapshot.state.counts?.unread ?? 0;
    const label = unread ? this.language.say("bell", { n: unread }) : this.language.say("bellNone");
    return html`
      <button
        class="icon bell"
        part="bell"
        aria-haspopup="dialog"
        aria-expanded=${this.isOpen}
        aria-label=${label}
        @click=${() => (this.isOpen ? this.close() : this.show())}
      >
        ${BELL}
      </button>
      ${unread ? html`<span class="badge" part="badge" aria-hidden="true" dir="ltr">${unread > 99 ? "99+" : unread}</span>` : nothing}
      <div class="hidden" role="status" aria-live="polite">${this.announcement}</div>
      ${this.isOpen ? this.renderPanel() : nothing}
    `;
  }

  private renderPanel(): TemplateResult {
    const { language } = this;
    const title = language.say(this.preferences ? "preferences" : "title");
    return html`<div
      class="panel"
      part="panel"
      role="dialog"
      aria-label=${title}
      lang=${language.tag}
      @keydown=${(event: KeyboardEvent) => this.keyed(event)}
    >
      <div class="header" part="header">
        ${this.preferences ? this.iconButton("back", BACK, () => (this.preferences = null)) : nothing}
        <h2>${title}</h2>
        ${
          this.preferences
            ? nothing
            : [
                this.iconButton("markAll", CHECK, () => void this.markAll()),
                this.iconButton("preferences", GEAR, () => void this.showPreferences()),
              ]
        }
        ${this.iconButton("close", CLOSE, () => this.close())}
      </div>
      ${
        this.preferences === null
          ? this.renderInbox()
          : html`<div class="scroll">
              ${this.preferences === "asked" ? this.renderSkeletons() : renderPreferences(this, this.preferences)}
            </div>`
      }
      ${
        this.toast
          ? html`<div class="toast" part="toast">
              <span>${this.toast.text}</span>
              ${this.toast.undo ? html`<button @click=${() => void this.undo()}>${language.say("undo")}</button>` : nothing}
            </div>`
          : nothing
      }
    </div>`;
  }

  private iconButton(key: Key, icon: unknown, onClick: () => void): TemplateResult {
    const label = this.language.say(key);
    return html`<button class="icon" data-name=${key} aria-label=${label} title=${label} @click=${onClick}>${icon}</button>`;
  }

  private renderInbox(): TemplateResult {
    const snapshot = this.client?.snapshot;
    const { view } = snapshot?.state ?? { view: { tab: "open" as Tab } };
    return html`
      ${this.renderTabs(view.tab, snapshot)} ${snapshot ? this.renderFilters(snapshot) : nothing}
      ${this.renderConnection(snapshot)}
      <div class="scroll list" role="tabpanel" id="list" aria-labelledby="tab-${view.tab}" tabindex="-1">
        ${view.tab === "done" ? nothing : this.renderAlerts(snapshot)} ${this.renderItems(snapshot)}
      </div>
    `;
  }

  private renderTabs(chosen: Tab, snapshot: Snapshot | undefined): TemplateResult {
    const counts = snapshot?.state.counts;
    const numbers: Record<Tab, number | undefined> = { open: counts?.total, unread: counts?.unread, done: undefined };
    return html`<div class="tabs" role="tablist" aria-label=${this.language.say("tabs")}>
      ${TABS.map(
        (tab) => html`<button
          role="tab"
          id="tab-${tab}"
          aria-selected=${tab === chosen}
          aria-controls="list"
          tabindex=${tab === chosen ? 0 : -1}
          @click=${() => this.narrow({ tab })}
        >
          ${this.language.say(tab)}${
            numbers[tab] === undefined
              ? nothing
              : html` <span class="number">${numbers[tab]?.toLocaleString(this.language.tag)}</span>`
          }
        </button>`,
      )}
    </div>`;
  }

  private renderFilters({ state }: Snapshot): TemplateResult {
    const { view, counts } = state;
    const scopes = counts?.by_scope ?? [];
    const toggled = <T extends string>(list: T[] | undefined, one: T): T[] =>
      list?.includes(one) ? list.filter((each) => each !== one) : [...(list ?? []), one];
    const chip = (name: string, count: number, isOn: boolean, onClick: () => void) =>
      html`<button class="chip" part="chip" aria-pressed=${isOn} @click=${onClick}>
        ${name} ${count.toLocaleString(this.language.tag)}
      </button>`;
    const numberOf = (tally: { total: number; unread: number } | undefined) =>
      (view.tab === "unread" ? tally?.unread : tally?.total) ?? 0;
    const topics = Object.entries(counts?.by_topic ?? {}).filter(
      ([topic, tally]) => tally.total > 0 || view.topic?.includes(topic),
    );
    return html`<div class="filters" role="group" aria-label=${this.language.say("filters")}>
      <select
        aria-label=${this.language.say("scope")}
        @change=${(event: Event) => this.setScope((event.target as HTMLSelectElement).value)}
      >
        <option value="">${this.language.say("all")}</option>
        ${scopes.map(({ scope, scope_id }) => {
          const isOn = view.scope === scope && (view.scope_id ?? null) === scope_id;
          return html`<option value="${scope} ${scope_id ?? ""}" ?selected=${isOn}>
            ${this.scopeName(scope, scope_id)}
          </option>`;
        })}
      </select>
      ${SEVERITIES.filter((one) => counts?.by_severity[one]?.total || view.severity?.includes(one)).map((one) =>
        chip(this.language.say(one), numberOf(counts?.by_severity[one]), !!view.severity?.includes(one), () =>
          this.narrow({ severity: toggled(view.severity, one) }),
        ),
      )}
      ${topics.map(([topic, tally]) =>
        chip(topic, numberOf(tally), !!view.topic?.includes(topic), () =>
          this.narrow({ topic: toggled(view.topic, topic) }),
        ),
      )}
    </div>`;
  }

  private setScope(value: string): void {
    if (!this.client) return;
    const [scope, id] = value.split(" ");
    const { scope: _, scope_id: __, ...view } = this.client.snapshot.state.view;
    const narrowed = scope ? { scope: scope as "me", ...(id ? { scope_id: id } : {}) } : {};
    this.client.setView({ ...view, ...narrowed });
  }

  private scopeName(scope: "me" | "business" | "firm", id: string | null): string {
    if (!id) return this.language.say("me");
    return this.scopeNames[id] ?? this.language.say(scope, { id: id.slice(0, 4) });
  }

  private renderConnection(snapshot: Snapshot | undefined): TemplateResult | typeof nothing {
    const { connection, items = [] } = snapshot ?? {};
    const key: Key | null =
      connection === "unauthorized" ? "unauthorized" : connection === "offline" && items.length ? "offline" : null;
    return key ? html`<div class="notice" part="notice">${this.language.say(key)}</div>` : nothing;
  }

  private renderAlerts(snapshot: Snapshot | undefined): TemplateResult[] {
    return (snapshot?.state.alerts ?? []).map(
      (alert) => html`<div class="alert ${alert.severity}" part="alert">
        <span dir="auto"><strong>${alert.title}</strong>${alert.body ? html`<br />${alert.body}` : nothing}</span>
        <button
          class="icon"
          aria-label="${this.language.say("dismiss")}: ${alert.title}"
          @click=${() => void this.done(this.client?.dismissAlert(alert))}
        >
          ${CLOSE}
        </button>
      </div>`,
    );
  }

  private renderItems(snapshot: Snapshot | undefined): TemplateResult | TemplateResult[] {
    const { items = [], state, error, isLoadingMore } = snapshot ?? {};
    if (!items.length) {
      if (error && !state?.listed) return this.renderFailure();
      return state?.listed ? this.renderEmpty(state.view.tab) : this.renderSkeletons();
    }
    const groups: { day: string; items: Item[] }[] = [];
    for (const item of items) {
      const day = item.pinned ? this.language.say("pinned") : this.language.day(item.created_at);
      if (groups.at(-1)?.day === day) groups.at(-1)?.items.push(item);
      else groups.push({ day, items: [item] });
    }
    const low = new Set(items.length > 4 ? items.slice(-3).map((item) => item.id) : []);
    return html`${groups.map(
      ({ day, items }) => html`<h3>${day}</h3>
        <ul aria-label=${day}>
          ${items.map((item) => renderItem(this, item, low.has(item.id)))}
        </ul>`,
    )}
    ${
      state?.cursor
        ? html`<button class="more" ?disabled=${isLoadingMore} @click=${() => void this.client?.loadMore()}>
            ${this.language.say(isLoadingMore ? "loading" : "loadMore")}
          </button>`
        : nothing
    }`;
  }

  private renderEmpty(tab: Tab): TemplateResult {
    const keys: Record<Tab, [Key, Key | null]> = {
      open: ["emptyOpen", "emptyOpenMore"],
      unread: ["emptyUnread", null],
      done: ["emptyDone", "emptyDoneMore"],
    };
    const [title, more] = keys[tab];
    return html`<div class="empty" part="empty">
      <strong>${this.language.say(title)}</strong>${more ? html`<span>${this.language.say(more)}</span>` : nothing}
    </div>`;
  }

  private renderFailure(): TemplateResult {
    return html`<div class="empty" part="error">
      <strong>${this.language.say("cannotLoad")}</strong>
      <button class="primary" @click=${() => this.client?.retry()}>${this.language.say("retry")}</button>
    </div>`;
  }

  private renderSkeletons(): TemplateResult {
    return html`<div aria-busy="true">
      <span class="hidden">${this.language.say("loading")}</span>
      ${Array.from({ length: SKELETONS }, () => html`<div class="skeleton"></div>`)}
    </div>`;
  }

  // --- saying ---------------------------------------------------------------------------------------------

  private announce(text: string): void {
    this.announcement = text;
    this.requestUpdate();
  }

  /** Dispatch an event; whether nobody has prevented what follows. */
  private tell(name: keyof TidingsEvents, detail: object): boolean {
    return this.dispatchEvent(
      new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }),
    );
  }

  private find<T extends Element>(selector: string): T | null {
    return this.renderRoot.querySelector<T>(selector);
  }
}

/** What the element tells its page. */
export interface TidingsEvents {
  "tidings-open": CustomEvent<Record<string, never>>;
  "tidings-close": CustomEvent<Record<string, never>>;
  "tidings-count": CustomEvent<{ unseen: number; unread: number }>;
  "tidings-notification": CustomEvent<{ item: Item }>;
  /** An item was chosen; prevented, its `data.url` is not followed. */
  "tidings-select": CustomEvent<{ item: Item }>;
  /** One of its buttons was; prevented, its address is not followed. */
  "tidings-action": CustomEvent<{ item: Item; action: ItemAction }>;
  "tidings-error": CustomEvent<{ error: unknown }>;
  "tidings-auth-required": CustomEvent<{ error: unknown }>;
}

declare global {
  interface HTMLElementTagNameMap {
    "tidings-inbox": TidingsInbox;
  }
  interface HTMLElementEventMap extends TidingsEvents {}
}
