import { afterEach, describe, expect, test } from "vitest";
import { ApiError, InboxClient } from "../src/client";

type Call = { method: string; path: string; token: string | null; body: unknown; once: string | null };
type Answer = (call: Call) => Response | Promise<Response>;

const ITEM = { id: "a", stream: "s", seq: 1, lane: 1, position: 1, title: "One", topic: "billing", severity: "info" };
const REST = {
  scope: "me",
  scope_id: null,
  pinned: false,
  seen_at: null,
  read_at: null,
  dismissed_at: null,
  snoozed_until: null,
  expires_at: null,
  resolved_at: null,
  created_at: "2026-03-02T09:00:00Z",
};
const TALLY = { total: 1, unseen: 1, unread: 1 };
const COUNTS = { ...TALLY, by_scope: [], by_topic: {}, by_severity: {}, position: btoa("\0".repeat(8)) };
const DONE = { operation: "o", updated: 1, counts: TALLY };

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

let open: InboxClient | null = null;
afterEach(() => open?.stop());

/** A client of a server that answers its operations in this way, and what it was asked. */
async function connected(operate: Answer, getToken: () => string = () => "t") {
  const calls: Call[] = [];
  const gate = { counts: Promise.resolve(), page: Promise.resolve() };
  let items: object[] = [{ ...ITEM, ...REST }];
  let say = (_: string) => {};
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      say = (event) => controller.enqueue(new TextEncoder().encode(event));
    },
  });
  const fetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    const path = new URL(String(url)).pathname;
    const token = headers.get("Authorization");
    const body = init.body ? JSON.parse(String(init.body)) : undefined;
    const call = { method: init.method ?? "GET", path, token, body, once: headers.get("Idempotency-Key") };
    calls.push(call);
    if (path.startsWith("/v1/inbox/operations")) return operate(call);
    if (path === "/v1/inbox/counts") return gate.counts.then(() => json(COUNTS));
    if (path === "/v1/inbox/alerts") return json({ items: [] });
    if (path === "/v1/inbox/stream") return new Response(stream);
    const page = json({ items, next_cursor: null }); // as things are now, whenever it arrives
    return gate.page.then(() => page);
  };
  const client = (open = new InboxClient({ server: "https://tidings.example", getToken, fetch }));
  client.start();
  await settled();
  /** The server's inbox from now on. */
  const holds = (now: object[]) => {
    items = now;
  };
  const tell = (name: string, data: object) => say(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  return { client, gate, holds, tell, operations: () => calls.filter((call) => call.path.includes("operations")) };
}

describe("what is asked for", () => {
  test("is sent in its order, one after the other", async () => {
    let answer = (_: Response) => {};
    const { client, operations } = await connected(({ body }) =>
      (body as { action: string }).action === "read"
        ? new Promise<Response>((resolve) => (answer = resolve))
        : json(DONE),
    );
    const both = [client.act("read", ["a"]), client.act("unread", ["a"])];
    await settled();
    expect(operations()).toHaveLength(1);
    answer(json(DONE));
    await Promise.all(both);
    expect(operations().map(({ body }) => (body as { action: string }).action)).toEqual(["read", "unread"]);
    expect(client.snapshot.items[0]?.read_at).toBeNull();
  });

  test("is taken back where it is refused, and the next is still sent", async () => {
    let isRefused = true;
    const { client } = await connected(() => (isRefused ? json({ code: "conflict" }, 409) : json(DONE)));
    const refused = client.act("dismiss", ["a"]);
    expect(client.snapshot.items).toEqual([]);
    await expect(refused).rejects.toBeInstanceOf(ApiError);
    expect(client.snapshot.items).toHaveLength(1);
    isRefused = false;
    await client.act("dismiss", ["a"]);
    expect(client.snapshot.items).toEqual([]);
  });

  test("is not lost while the counts are on their way", async () => {
    const { client, gate } = await connected(() => json(DONE));
    let answer = () => {};
    gate.counts = new Promise((resolve) => (answer = resolve));
    await client.act("read", ["a"]);
    await new Promise((resolve) => setTimeout(resolve, 150)); // until they are asked for
    client.setView({ tab: "done" });
    await settled();
    await client.act("dismiss", ["a"]);
    answer();
    await settled();
    expect(client.snapshot.state.view.tab).toBe("done");
    expect(client.snapshot.state.items.get("a")?.dismissed_at).not.toBeNull();
  });

  test("is sent once more under the same key where the answer did not come", async () => {
    let attempts = 0;
    const { client, operations } = await connected(() => {
      if (attempts++ === 0) throw new TypeError("network");
      return json(DONE);
    });
    await client.act("read", ["a"]);
    const [first, second] = operations();
    expect(first?.once).toBeTruthy();
    expect(second?.once).toBe(first?.once);
  });

  test("asks for another token where the one that was there does not hold any more", async () => {
    let token = "old";
    const { client, operations } = await connected(
      (call) => {
        token = "new";
        return call.token === "Bearer new" ? json(DONE) : json({ code: "unauthenticated" }, 401);
      },
      () => token,
    );
    await client.act("read", ["a"]);
    expect(operations().map((call) => call.token)).toEqual(["Bearer old", "Bearer new"]);
  });
});

describe("a page that was read before a sweep, and arrives after it", () => {
  const other = { ...ITEM, ...REST, id: "b", seq: 2, position: 2, title: "Two" };
  const at = "2026-03-02T10:00:00Z";

  test("does not bring back as it was what was not held by then", async () => {
    const { client, gate, holds, tell } = await connected(() => json(DONE));
    let arrive = () => {};
    holds([other]);
    gate.page = new Promise((resolve) => (arrive = resolve));
    client.setView({ tab: "open", topic: ["billing"] });
    await settled();
    holds([{ ...other, seen_at: at, read_at: at }]);
    const sweep = { level: "read", at, lanes: [["s", 1, 2]], only_read: false };
    tell("state", { sweeps: [sweep], items: [], gone: [], resolved: [], resolved_at: null });
    await settled();
    arrive();
    await settled();
    expect(client.snapshot.items.map(({ id, read_at }) => [id, read_at])).toEqual([["b", at], ["a", at]]);
  });

  test("does not bring back what is gone", async () => {
    const { client, gate, holds, tell } = await connected(() => json(DONE));
    let arrive = () => {};
    holds([other]);
    gate.page = new Promise((resolve) => (arrive = resolve));
    client.setView({ tab: "open", topic: ["billing"] });
    await settled();
    holds([]);
    tell("gone", { ids: ["b"], lanes: [] });
    await settled();
    arrive();
    await settled();
    expect(client.snapshot.items.map(({ id }) => id)).toEqual(["a"]);
  });
});
