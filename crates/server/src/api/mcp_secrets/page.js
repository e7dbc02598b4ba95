// Asks for the user's key, shows which secret is missing, and stores it.
//
// Every text is inserted as text, never as markup. The key is only in memory, until the page no longer needs it.
// Start at `signIn`.

const SHORTEST = 4;
const LONGEST = 65536;

const GONE = {
  title: "Nothing to store here",
  text: "The link has been used, has expired, or belongs to another user. Let your agent try again: it will get a new one.",
};

const UNREACHABLE = "The server does not answer. Try again.";

const find = (id) => document.getElementById(id);
// Relative to the page: a proxy may serve everything below a path prefix.
const url = `../v1/pending-secrets/${location.pathname.split("/").pop()}`;

/** The user's key, while it is needed. */
let key = "";
/** When the link expires, in milliseconds of `performance.now()`. */
let deadline = 0;
let ticking = 0;

/** Sends a request to the server; returns undefined if it does not answer. */
async function ask(method, body) {
  const headers = { authorization: `Bearer ${key}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const options = { method, headers, body, cache: "no-store", credentials: "omit", redirect: "error" };
    const response = await fetch(url, options);
    return { status: response.status, body: await response.json() };
  } catch {
    return undefined;
  }
}

/** The message for a refusal. */
function problem(answer) {
  if (answer === undefined) return UNREACHABLE;
  if (answer.status === 401) return "This key is not valid.";
  const { detail } = answer.body;
  if (typeof detail === "string") return detail;
  return Array.isArray(detail) && detail.length > 0 ? `${detail[0].msg}.` : UNREACHABLE;
}

function show(id) {
  for (const part of ["sign-in", "store", "outcome"]) find(part).hidden = part !== id;
}

/** Shows the final message and erases all input. */
function finish({ title, text }) {
  forget();
  find("title").textContent = title;
  document.title = `${title} · Toolvault`;
  find("outcome").textContent = text;
  show("outcome");
  find("title").focus();
}

function forget() {
  key = "";
  find("key").value = "";
  find("value").value = "";
  clearInterval(ticking);
}

/** Shows how long the link is still valid, and ends the page when it expires. */
function tick() {
  const left = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
  find("time").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (left === 0) finish(GONE);
}

function refuse(field, place, text) {
  place.textContent = text;
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

/** Runs the action of a form, once at a time. A change of a field removes its message. */
function onSubmit(form, field, place, act) {
  const unsay = () => {
    place.textContent = "";
    field.removeAttribute("aria-invalid");
  };
  field.addEventListener("input", unsay);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (button.disabled) return;
    button.disabled = true;
    unsay();
    try {
      await act();
    } finally {
      button.disabled = false;
    }
  });
}

async function signIn() {
  const refused = (text) => refuse(find("key"), find("sign-in-problem"), text);
  key = find("key").value.trim();
  // A text that is not allowed in a header is not a key.
  if (!/^[\x21-\x7e]+$/.test(key)) return refused("This key is not valid.");
  const answer = await ask("GET");
  if (answer?.status === 404) return finish(GONE);
  if (answer?.status !== 200) return refused(problem(answer));
  find("key").value = "";
  find("server").textContent = answer.body.server;
  find("argument").textContent = answer.body.argument;
  find("name").textContent = answer.body.secret_name;
  deadline = performance.now() + answer.body.expires_in * 1000;
  ticking = setInterval(tick, 1000);
  show("store");
  find("value").focus();
  tick();
}

async function store() {
  const refused = (text) => refuse(find("value"), find("store-problem"), text);
  // A line break after a single line comes from copying.
  const value = find("value").value.replace(/^([^\n]*)\n+$/, "$1");
  const length = new TextEncoder().encode(value).length;
  if (length < SHORTEST) return refused(`A secret has at least ${SHORTEST} characters.`);
  if (length > LONGEST) return refused("This is too long for a secret: 64 KiB is the limit.");
  const answer = await ask("POST", JSON.stringify({ secret_value: value }));
  if (answer?.status === 404) return finish(GONE);
  if (answer?.status !== 200) return refused(problem(answer));
  finish({
    title: "Stored",
    text: `“${answer.body.secret_name}” is in place. Let your agent try again; you can close this page.`,
  });
}

function reveal() {
  const isMasked = find("value").classList.toggle("masked");
  find("reveal").textContent = isMasked ? "Show" : "Hide";
}

onSubmit(find("sign-in"), find("key"), find("sign-in-problem"), signIn);
onSubmit(find("store"), find("value"), find("store-problem"), store);
find("reveal").addEventListener("click", reveal);
// A browser that keeps the page in its history cache must not keep the input.
addEventListener("pagehide", forget);
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
show("sign-in");
find("key").focus();
