import type { Status, Alert, Counts, Filter, OperationDone, Page, Preferences, QuietHours } from "./types";

/** An answer that says no; `code` is the server's stable name for why, `status` the HTTP status. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Whether the same may well succeed in a moment. */
  get isPassing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

export type GetToken = () => string | null | Promise<string | null>;

const PATIENCE_MS = 20_000;

/** The calls of the native API that an inbox needs. Each throws ApiError, or TypeError where nothing answers. */
export class Api {
  constructor(
    readonly server: string,
    private readonly getToken: GetToken,
    private readonly fetch: typeof globalThis.fetch = (...all) => globalThis.fetch(...all),
  ) {}

  page(query: Filter & { status: Status[]; unread?: boolean; cursor?: string; limit: number }): Promise<Page> {
    return this.ask("GET", `/v1/inbox?${queryOf(query)}`);
  }

  counts(): Promise<Counts> {
    return this.ask("GET", "/v1/inbox/counts");
  }

  async alerts(): Promise<Alert[]> {
    return (await this.ask<{ items: Alert[] }>("GET", "/v1/inbox/alerts")).items;
  }

  operate(body: Record<string, unknown>): Promise<OperationDone> {
    return this.write("POST", "/v1/inbox/operations", body);
  }

  undo(operation: string): Promise<OperationDone> {
    return this.write("POST", `/v1/inbox/operations/${operation}/undo`);
  }

  dismissAlert(alert: Alert): Promise<OperationDone> {
    const id = alert.id.split("/").map(encodeURIComponent).join("/");
    return this.write("POST", `/v1/inbox/alerts/${alert.business_id}/${id}/dismiss`);
  }

  preferences(): Promise<Preferences> {
    return this.ask("GET", "/v1/inbox/preferences");
  }

  choose(kind: "events" | "topics", key: string, channel: string, enabled: boolean | null): Promise<Preferences> {
    return this.write("PUT", `/v1/inbox/preferences/${kind}/${encodeURIComponent(key)}`, { [channel]: enabled });
  }

  setQuietHours(hours: QuietHours | null): Promise<Preferences> {
    return this.write(hours ? "PUT" : "DELETE", "/v1/inbox/preferences/quiet-hours", hours ?? undefined);
  }

  /** The stream, from after `position`, as it comes. */
  async follow(position: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": position };
    const answer = await this.send("GET", "/v1/inbox/stream", headers, undefined, signal);
    if (!answer.body) throw new ApiError(answer.status, "no_stream", "The answer has no body.");
    return answer.body;
  }

  /** Done once however often it is sent, so it is sent once more where the answer did not come. */
  private async write<T>(method: string, path: string, body?: unknown): Promise<T> {
    const once = { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) };
    try {
      return await this.ask<T>(method, path, body, once);
    } catch (error) {
      if (error instanceof ApiError && !(error.status === 503)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return this.ask<T>(method, path, body, once);
    }
  }

  private async ask<T>(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<T> {
    const answer = await this.send(method, path, more, body, AbortSignal.timeout(PATIENCE_MS));
    return (await answer.json()) as T;
  }

  /** With a token that is asked for anew where the one that was there does not hold any more. */
  private async send(
    method: string,
    path: string,
    more: Record<string, string>,
    body: unknown,
    signal: AbortSignal,
  ): Promise<Response> {
    let answer: Response | undefined;
    for (let attempt = 0; attempt < 2; attempt++) {
      const token = await this.getToken();
      if (!token) throw new ApiError(401, "unauthenticated", "There is no token.");
      const headers: Record<string, string> = { Authorization: `Bearer ${token}`, ...more };
      if (body !== undefined) headers["Content-Type"] = "application/json";
      const content = body === undefined ? {} : { body: JSON.stringify(body) };
      answer = await this.fetch(this.server + path, { method, headers, signal, cache: "no-store", ...content });
      if (answer.status !== 401) break;
    }
    if (answer?.ok) return answer;
    throw await refusal(answer as Response);
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  const problem = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
  return new ApiError(answer.status, problem.code ?? "unknown", problem.detail ?? `HTTP ${answer.status}`);
}

function queryOf(query: object): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) found.append(name, String(one));
    }
  }
  return found.toString();
}
