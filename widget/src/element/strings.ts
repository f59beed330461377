import type en from "../locales/en";

type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** The words of one language. */
export type Strings = { [Key in keyof typeof en]: (typeof en)[Key] extends string ? string : Forms };
export type Key = keyof Strings;

const LOADERS: Record<string, () => Promise<{ default: Strings }>> = {
  en: () => import("../locales/en"),
  de: () => import("../locales/de"),
  fr: () => import("../locales/fr"),
  es: () => import("../locales/es"),
  ar: () => import("../locales/ar"),
};

/** What is said in one language, and how it writes times. */
export class Language {
  private readonly plural: Intl.PluralRules;

  private constructor(
    readonly tag: string,
    private readonly strings: Strings,
  ) {
    this.plural = new Intl.PluralRules(tag);
  }

  /** The language of a tag such as `de-AT`; English where it is none of the five. */
  static async load(tag: string): Promise<Language> {
    const short = tag.toLowerCase().split("-")[0] ?? "en";
    const known = short in LOADERS ? short : "en";
    const { default: strings } = await (LOADERS[known] as (typeof LOADERS)[string])();
    return new Language(known === short ? tag : "en", strings);
  }

  say(key: Key, values: Record<string, string | number> = {}): string {
    const found = this.strings[key];
    const text =
      typeof found === "string" ? found : (found[this.plural.select(Number(values["n"]))] ?? found.other);
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? value.toLocaleString(this.tag) : value;
    });
  }

  /** The hour, and of another day the day with it. */
  moment(time: string): string {
    const date = new Date(time);
    const day: Intl.DateTimeFormatOptions = isSameDay(date, new Date()) ? {} : { day: "numeric", month: "short" };
    return date.toLocaleString(this.tag, { hour: "numeric", minute: "2-digit", ...day });
  }

  hour(time: string): string {
    return new Date(time).toLocaleTimeString(this.tag, { hour: "numeric", minute: "2-digit" });
  }

  /** The name of a day, for the heading of all that happened on it. */
  day(time: string): string {
    const [date, today] = [new Date(time), new Date()];
    const yesterday = new Date(today);
    yesterday.setDate(today.getDate() - 1);
    if (isSameDay(date, today)) return this.say("today");
    if (isSameDay(date, yesterday)) return this.say("yesterday");
    const year: Intl.DateTimeFormatOptions = date.getFullYear() === today.getFullYear() ? {} : { year: "numeric" };
    return date.toLocaleDateString(this.tag, { weekday: "long", day: "numeric", month: "long", ...year });
  }
}

function isSameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}
