import { type Api, ApiError } from "./api";
import type { StreamEvent } from "./types";

const SILENCE_MS = 40_000; // the server says something every 15 seconds
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

const NAMES = new Set(["notification", "gone", "state", "alert", "preferences", "resync"]);

export interface Hearer {
  /** Where to begin: the id of the last event that was heard, or the position of what is asked for first. */
  begin(): Promise<string>;
  /** `position` is where that leads to; it is not known of all but the last of several that happened at once. */
  heard(event: StreamEvent, position?: string): void;
  /** Everything up to this position was heard. */
  cameTo(position: string): void;
  connected(): void;
  /** It will be tried again, but where `error` says that the token does not hold. */
  cut(error: unknown): void;
}

/**
 * Follows an inbox, and comes back to where it left off.
 *
 * By fetch and not by EventSource, which sends no header: it would need a new ticket for each connection, and
 * could not say where a new page left off but in the address.
 */
export class Stream {
  private ending = new AbortController();
  private attempt: AbortController | null = null;
  private pause = FIRST_PAUSE_MS;
  private wake: (() => void) | null = null;

  constructor(
    private readonly api: Api,
    private readonly hearer: Hearer,
  ) {}

  /** Until `close` is called, or the token does not hold. */
  async run(): Promise<void> {
    while (!this.ending.signal.aborted) {
      try {
        await this.connect();
        await this.wait(); // the server ended it, and others' with it
      } catch (error) {
        if (this.ending.signal.aborted) return;
        this.hearer.cut(error);
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return;
        await this.wait();
      }
    }
  }

  /** Try now what would have been tried later: the network is back. */
  retry(): void {
    this.pause = FIRST_PAUSE_MS;
    this.wake?.();
  }

  /** The network is gone, which a connection may not notice for long. */
  drop(): void {
    this.attempt?.abort();
  }

  close(): void {
    this.ending.abort();
    this.attempt?.abort();
    this.wake?.();
  }

  private async connect(): Promise<void> {
    const attempt = (this.attempt = new AbortController());
    let silence = setTimeout(() => attempt.abort(), SILENCE_MS);
    try {
      const body = await this.api.follow(await this.hearer.begin(), attempt.signal);
      this.hearer.connected();
      const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
      let text = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        clearTimeout(silence);
        silence = setTimeout(() => attempt.abort(), SILENCE_MS);
        this.pause = FIRST_PAUSE_MS;
        const parts = (text + part.value).split("\n\n");
        text = parts.pop() ?? "";
        for (const one of parts) this.take(one);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  private take(text: string): void {
    const fields = new Map(text.split("\n").map((line) => split(line)));
    const [name, data, id] = [fields.get("event"), fields.get("data"), fields.get("id")];
    if (name && data !== undefined && NAMES.has(name)) {
      this.hearer.heard({ name, data: JSON.parse(data) } as StreamEvent, id);
    }
    if (id) this.hearer.cameTo(id);
  }

  /** Longer each time, and not all clients of a server that restarts at once. */
  private async wait(): Promise<void> {
    const pause = this.pause * (0.5 + Math.random() / 2);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
  }
}

function split(line: string): [string, string] {
  const colon = line.indexOf(":");
  return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}
