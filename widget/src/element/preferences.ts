import { html, type TemplateResult } from "lit";
import type { Choice, EventPreference, Preferences, QuietHours } from "../client";
import type { Key, Language } from "./strings";

export interface PreferencesHost {
  language: Language;
  choose(event: string, channel: string, enabled: boolean): void;
  setQuietHours(hours: QuietHours | null): void;
}

const SOURCES: Record<string, Key> = {
  default: "byDefault",
  topic: "byTopic",
  event: "byEvent",
  critical: "critical",
};

/** Which events reach the reader where, and when nothing may disturb them. */
export function renderPreferences(host: PreferencesHost, preferences: Preferences): TemplateResult {
  const { language } = host;
  const channels = preferences.available_channels;
  const topics = byTopic(preferences.events);
  return html`<div class="preferences">
    <table>
      <caption class="hidden">
        ${language.say("events")}
      </caption>
      <thead>
        <tr>
          <th scope="col">${language.say("events")}</th>
          ${channels.map((channel) => html`<th scope="col">${nameOf(language, channel)}</th>`)}
        </tr>
      </thead>
      ${[...topics].map(
        ([topic, events]) => html`<tbody>
          <tr>
            <th scope="rowgroup" colspan=${channels.length + 1}>${topic}</th>
          </tr>
          ${events.map((event) => renderEvent(host, event, channels))}
        </tbody>`,
      )}
    </table>
    ${renderQuietHours(host, preferences.quiet_hours)}
  </div>`;
}

/** The same with one choice made; that of a topic for its events is the server's to tell. */
export function withChoice(
  preferences: Preferences,
  event: string,
  channel: string,
  enabled: boolean,
): Preferences {
  const choice: Choice = { enabled, source: "event" };
  const chosen = (one: EventPreference) =>
    one.event === event ? { ...one, channels: { ...one.channels, [channel]: choice } } : one;
  return { ...preferences, events: preferences.events.map(chosen) };
}

function byTopic(events: EventPreference[]): Map<string, EventPreference[]> {
  const topics = new Map<string, EventPreference[]>();
  for (const event of events) topics.set(event.topic, [...(topics.get(event.topic) ?? []), event]);
  return topics;
}

function renderEvent(host: PreferencesHost, event: EventPreference, channels: string[]): TemplateResult {
  const { language } = host;
  return html`<tr>
    <th scope="row">${event.event}</th>
    ${channels.map((channel) => {
      const choice = event.channels[channel];
      if (!choice) return html`<td></td>`;
      return html`<td>
        <input
          type="checkbox"
          aria-label="${event.event}: ${nameOf(language, channel)}"
          .checked=${choice.enabled}
          ?disabled=${choice.source === "critical"}
          @change=${(changed: Event) =>
            host.choose(event.event, channel, (changed.target as HTMLInputElement).checked)}
        />
        ${language.say(SOURCES[choice.source] ?? "byDefault")}
      </td>`;
    })}
  </tr>`;
}

function renderQuietHours(host: PreferencesHost, hours: QuietHours | null): TemplateResult {
  const { language } = host;
  const zone = hours?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const save = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const isOn = form.get("on") !== null;
    const text = (name: string) => String(form.get(name) ?? "");
    host.setQuietHours(
      isOn ? { begins: text("begins"), ends: text("ends"), time_zone: text("zone") } : null,
    );
  };
  return html`<form @submit=${save}>
    <fieldset>
      <legend>${language.say("quietHours")}</legend>
      <label><input type="checkbox" name="on" .checked=${hours !== null} /> ${language.say("quietHoursMore")}</label>
      <div class="hours">
        <label>${language.say("from")}<input type="time" name="begins" required .value=${hours?.begins ?? "22:00"} /></label>
        <label>${language.say("to")}<input type="time" name="ends" required .value=${hours?.ends ?? "07:00"} /></label>
        <label class="zone"
          >${language.say("timeZone")}<input name="zone" required list="zones" autocomplete="off" .value=${zone}
        /></label>
        <datalist id="zones">
          ${(Intl.supportedValuesOf?.("timeZone") ?? []).map((one) => html`<option value=${one}></option>`)}
        </datalist>
        <button class="primary" type="submit">${language.say("save")}</button>
      </div>
    </fieldset>
  </form>`;
}

function nameOf(language: Language, channel: string): string {
  return language.say(`channel_${channel}` as Key);
}
