import { useState } from "react";
import { Inbox } from "./Inbox";

/** Your backend knows who is signed in, and asks Tidings for their token. */
async function getToken(): Promise<string> {
  return (await fetch("/inbox-token")).text();
}

export function App() {
  const [unread, setUnread] = useState(0);
  return (
    <header>
      <h1>{unread ? `${unread} to read` : "All read"}</h1>
      <Inbox server={import.meta.env["VITE_TIDINGS"] ?? ""} getToken={getToken} onCount={(counts) => setUnread(counts.unread)} />
    </header>
  );
}
