// A window of a product: who is signed in, and the bell.

const world = await (await fetch("/demo/world.json")).json();
await import(world.widget);

const who = document.querySelector("#who");
const language = document.querySelector("#language");
who.append(...world.users.map((user) => new Option(user.name, user.id)));
who.value = location.hash.slice(1) || world.users[0].id;

function show() {
  document.documentElement.lang = language.value;
  document.documentElement.dir = language.value === "ar" ? "rtl" : "ltr";
  const user = world.users.find((one) => one.id === who.value) ?? world.users[0];
  const inbox = document.createElement("tidings-inbox");
  inbox.token = user.token;
  inbox.scopeNames = user.scopes;
  inbox.lang = language.value;
  document.querySelector("#bell").replaceChildren(inbox);
}

language.addEventListener("change", show);
who.addEventListener("change", show);
show();
