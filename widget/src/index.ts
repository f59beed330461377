/** Defines `<tidings-inbox>`. */

import { TidingsInbox } from "./element/inbox";

export * from "./client";
export { type TidingsEvents, TidingsInbox } from "./element/inbox";

if (!customElements.get("tidings-inbox")) customElements.define("tidings-inbox", TidingsInbox);
