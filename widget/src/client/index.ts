/** The inbox without anything to look at, for those who draw their own. */

export { ApiError, type GetToken } from "./api";
export { type ClientOptions, type Connection, InboxClient, type Snapshot } from "./client";
export * as state from "./state";
export type { State, Tab, View } from "./state";
export type * from "./types";
