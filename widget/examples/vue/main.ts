import { createApp } from "vue";
import App from "./App.vue";

// The element comes from the server, so that both have the same version.
await import(/* @vite-ignore */ `${import.meta.env["VITE_TIDINGS"] ?? ""}/widget/tidings-inbox.js`);
createApp(App).mount("#app");
