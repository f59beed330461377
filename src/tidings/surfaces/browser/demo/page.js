// The form that sends, and two windows of the product beside it.

const world = await (await fetch("/demo/world.json")).json();
const form = document.querySelector("#send");
const said = document.querySelector("#said");

function option(value, text) {
  return new Option(text, value);
}

const organisations = new Map(world.users.flatMap((user) => Object.entries(user.scopes)));
form.elements.to.append(
  ...world.users.map((user) => option(`user ${user.id}`, user.name)),
  ...[...organisations].map(([id, name]) => option(`${world.firms.includes(id) ? "firm" : "business"} ${id}`, name)),
  option("everyone", "everyone"),
);
form.elements.event.append(...world.events.map((event) => option(event, event)));

for (const user of world.users.slice(0, 2)) {
  const frame = document.createElement("iframe");
  frame.title = `Window of ${user.name}`;
  // Both show the same user at first, so that what is read in one is read in the other.
  frame.src = `/demo/window.html#${world.users[0].id}`;
  document.querySelector(".windows").append(frame);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { to: target, ...rest } = Object.fromEntries(new FormData(form));
  const [to, id] = target.split(" ");
  const body = JSON.stringify({ to, ...(id ? { id } : {}), ...rest });
  try {
    const answer = await fetch("/demo/send", { method: "POST", body });
    const found = await answer.json();
    said.textContent = answer.ok ? "Sent." : found.detail;
  } catch {
    said.textContent = "The server does not answer.";
  }
});
