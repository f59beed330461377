import { html, nothing, type TemplateResult } from "lit";
import type { Action, Item, ItemAction } from "../client";
import { MORE } from "./icons";
import type { Key, Language } from "./strings";

/** What the list does where something is chosen. */
export interface ItemHost {
  language: Language;
  /** The id of the item whose menu is open. */
  menu: string | null;
  select(item: Item): void;
  toggleMenu(item: Item): void;
  choose(item: Item, choice: Choice): void;
  activate(item: Item, action: ItemAction, event: Event): void;
}

export interface Choice {
  key: Key;
  action: Action;
  until?: () => Date;
}

const inAnHour = () => new Date(Date.now() + 3_600_000);
const morning = (days: number) => {
  const date = new Date();
  date.setDate(date.getDate() + days);
  date.setHours(9, 0, 0, 0);
  return date;
};
const nextMonday = () => morning((8 - new Date().getDay()) % 7 || 7);

/** What can be done to an item as it is. */
export function choices(item: Item): Choice[] {
  if (item.status === "snoozed") return [{ key: "unsnooze", action: "unsnooze" }];
  if (item.status === "dismissed") return [{ key: "restore", action: "restore" }];
  if (item.status === "resolved") return [{ key: "dismiss", action: "dismiss" }];
  return [
    item.read_at ? { key: "markUnread", action: "unread" } : { key: "read", action: "read" },
    item.pinned ? { key: "unpin", action: "unpin" } : { key: "pin", action: "pin" },
    { key: "snoozeHour", action: "snooze", until: inAnHour },
    { key: "snoozeTomorrow", action: "snooze", until: () => morning(1) },
    { key: "snoozeWeek", action: "snooze", until: nextMonday },
    { key: "dismiss", action: "dismiss" },
  ];
}

export function renderItem(host: ItemHost, item: Item, isLow: boolean): TemplateResult {
  const { language } = host;
  const isUnread = item.read_at === null && (item.status === "new" || item.status === "seen");
  return html`<li class="item ${isUnread ? "is-unread" : ""}" part="item" data-id=${item.id}>
    <button class="main" @click=${() => host.select(item)}>
      ${isUnread ? html`<span class="dot"></span><span class="hidden">${language.say("isUnread")}: </span>` : nothing}
      <span class="title" part="item-title" dir="auto">${item.title}</span>
      ${item.body ? html`<span class="body" part="item-body" dir="auto">${item.body}</span>` : nothing}
      <span class="about">
        <time datetime=${item.created_at}>${language.hour(item.created_at)}</time>
        ${
          item.severity === "info"
            ? nothing
            : html`<span class=${item.severity}>${language.say(item.severity)}</span>`
        }
        ${item.pinned ? html`<span>${language.say("pinned")}</span>` : nothing}
        ${
          item.status === "snoozed" && item.snoozed_until
            ? html`<span>${language.say("snoozedUntil", { time: language.moment(item.snoozed_until) })}</span>`
            : nothing
        }
        ${item.status === "resolved" ? html`<span>${language.say("resolved")}</span>` : nothing}
      </span>
    </button>
    <button
      class="icon"
      aria-haspopup="menu"
      aria-expanded=${host.menu === item.id}
      aria-label=${language.say("more", { title: item.title })}
      @click=${() => host.toggleMenu(item)}
    >
      ${MORE}
    </button>
    ${host.menu === item.id ? renderMenu(host, item, isLow) : nothing} ${renderActions(host, item)}
  </li>`;
}

function renderMenu(host: ItemHost, item: Item, isLow: boolean): TemplateResult {
  return html`<div
    class="menu ${isLow ? "up" : ""}"
    role="menu"
    aria-label=${host.language.say("more", { title: item.title })}
  >
    ${choices(item).map(
      (one) => html`<button role="menuitem" tabindex="-1" @click=${() => host.choose(item, one)}>
        ${host.language.say(one.key)}
      </button>`,
    )}
  </div>`;
}

function renderActions(host: ItemHost, item: Item): TemplateResult | typeof nothing {
  const labelled = item.actions.filter((action) => typeof action.label === "string" && action.label);
  if (!labelled.length) return nothing;
  return html`<div class="buttons">
    ${labelled.map((action) => {
      const address = safeAddress(action.url);
      const onClick = (event: Event) => host.activate(item, action, event);
      return address
        ? html`<a class="action" part="action" href=${address} @click=${onClick}>${action.label}</a>`
        : html`<button class="action" part="action" @click=${onClick}>${action.label}</button>`;
    })}
  </div>`;
}

/** An address that leads somewhere and runs nothing; null for any other. */
export function safeAddress(address: unknown): string | null {
  if (typeof address !== "string" || !address) return null;
  try {
    const { protocol } = new URL(address, document.baseURI);
    return protocol === "https:" || protocol === "http:" || protocol === "mailto:" ? address : null;
  } catch {
    return null;
  }
}
