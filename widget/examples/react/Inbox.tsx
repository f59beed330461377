import { type DetailedHTMLProps, type HTMLAttributes, useEffect, useState } from "react";
import type { GetToken, TidingsEvents, TidingsInbox } from "tidings-inbox";

type InboxAttributes = DetailedHTMLProps<HTMLAttributes<TidingsInbox>, TidingsInbox> &
  Partial<Pick<TidingsInbox, "getToken" | "server" | "scopeNames">> & {
    [Name in keyof TidingsEvents as `on${Name}`]?: (event: TidingsEvents[Name]) => void;
  };

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "tidings-inbox": InboxAttributes;
    }
  }
}

interface Props {
  /** Where Tidings is; the element comes from there, so that both have the same version. */
  server: string;
  getToken: GetToken;
  onCount?: (counts: { unseen: number; unread: number }) => void;
}

export function Inbox({ server, getToken, onCount }: Props) {
  const [isDefined, setDefined] = useState(false);
  useEffect(() => {
    let isMounted = true;
    void import(/* @vite-ignore */ `${server}/widget/tidings-inbox.js`).then(() => isMounted && setDefined(true));
    return () => {
      isMounted = false;
    };
  }, [server]);
  // Before it is defined, React would take its properties for attributes.
  if (!isDefined) return null;
  return <tidings-inbox getToken={getToken} ontidings-count={(event) => onCount?.(event.detail)} />;
}
