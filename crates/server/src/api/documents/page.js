// Shows /openapi.json: operations grouped by tag, what they take and what they answer.
//
// Every text goes in as text, never as markup. Start at `show`.

const METHODS = ["get", "post", "put", "patch", "delete"];
const RANGES = [
  ["minLength", "maxLength", " characters"],
  ["minimum", "maximum", ""],
  ["minItems", "maxItems", " items"],
];
const LIMITS = [
  ["multipleOf", "a multiple of "],
  ["pattern", "matches "],
  ["default", "default "],
];

/** An element with attributes and children; strings become text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** A text in which `…` is code. */
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

/** Paragraphs and lists of the description. */
function paragraphs(text) {
  return text.trim().split(/\n\n+/).map((block) => {
    if (!block.startsWith("- ")) return element("p", {}, ...prose(block));
    const items = block.split(/\n?- /).filter(Boolean);
    return element("ul", {}, ...items.map((item) => element("li", {}, ...prose(item))));
  });
}

function referenceName(schema) {
  return schema?.$ref?.split("/").pop();
}

/** The alternatives of a schema without null, and whether null is one. */
function withoutNull(schema) {
  const choices = schema.anyOf ?? [schema];
  const others = choices.filter((choice) => choice.type !== "null");
  return { choices: others, isNullable: others.length < choices.length };
}

/** The type in a few words, with links to schemas. */
function typeOf(schema) {
  const { choices, isNullable } = withoutNull(schema);
  const parts = choices.flatMap((choice, index) => [index ? " or " : "", ...singleType(choice)]);
  return isNullable ? [...parts, " or null"] : parts;
}

function singleType(schema) {
  const name = referenceName(schema);
  if (name) return [element("a", { href: `#schema-${name}` }, name)];
  if (schema.anyOf) return typeOf(schema);
  if (schema.enum) return [schema.enum.join(" | ")];
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items ?? {})];
  if (schema.type === "object" && schema.additionalProperties) {
    return ["object of ", ...typeOf(schema.additionalProperties)];
  }
  const format = schema.format && !schema.format.startsWith("int") ? ` (${schema.format})` : "";
  return [(schema.type ?? "any value") + format];
}

/** What a value must keep to, in a few words; also what the elements of a list must. */
function limitsOf(schema) {
  const { choices } = withoutNull(schema);
  const parts = [schema, ...choices, ...choices.map((choice) => choice.items ?? {})];
  const find = (member) => parts.map((part) => part[member]).find((value) => value !== undefined);
  const ranges = RANGES.map(([least, most, unit]) => range(find(least), find(most), unit));
  const others = LIMITS.map(([member, words]) => (find(member) === undefined ? "" : words + find(member)));
  return [...ranges, ...others].filter(Boolean).join(", ");
}

function range(least, most, unit) {
  if (least === undefined && most === undefined) return "";
  const [from, to] = [least, most].map((limit) => limit?.toLocaleString("en"));
  if (most === undefined) return `at least ${from}${least === 1 ? unit.replace(/s$/, "") : unit}`;
  if (least === undefined) return `at most ${to}${unit}`;
  return (from === to ? from : `${from} to ${to}`) + unit;
}

/** One line of a list: a name, its type and what it means. */
function row(name, schema, { isRequired = false, place = "", description = "" } = {}) {
  const limits = limitsOf(schema);
  return element(
    "div",
    { class: "row" },
    element(
      "dt",
      {},
      element("span", { class: "name" }, name),
      " ",
      isRequired ? element("span", { class: "required" }, "required") : "",
      place ? element("span", { class: "place" }, place) : "",
    ),
    element(
      "dd",
      {},
      element("span", { class: "type" }, ...typeOf(schema)),
      limits ? element("span", { class: "limits" }, ` · ${limits}`) : "",
      description ? element("p", {}, ...prose(description)) : "",
    ),
  );
}

/** The members of a schema, required ones first. */
function members(schema) {
  const required = schema.required ?? [];
  const names = Object.keys(schema.properties ?? {});
  const ordered = [...required, ...names.filter((name) => !required.includes(name))];
  return ordered.map((name) => {
    const property = schema.properties[name];
    return row(name, property, { isRequired: required.includes(name), description: property.description });
  });
}

/** The schema's members, behind its name. */
function expandable(api, schema, isOpen = false) {
  const name = referenceName(schema);
  const resolved = name ? api.components.schemas[name] : schema;
  const lines = members(resolved);
  if (lines.length === 0) return element("p", { class: "type" }, ...typeOf(schema));
  const attributes = isOpen ? { class: "nested", open: "" } : { class: "nested" };
  return element("details", attributes, element("summary", {}, name ?? "object"), element("dl", {}, ...lines));
}

/** Content by media type. */
function contents(api, content, isOpen) {
  return Object.entries(content ?? {}).flatMap(([mediaType, { schema = {} }]) => [
    element("p", { class: "place" }, mediaType),
    expandable(api, schema, isOpen),
  ]);
}

function parametersOf(operation) {
  const lines = (operation.parameters ?? []).map((parameter) =>
    row(parameter.name, parameter.schema ?? {}, {
      isRequired: parameter.required,
      place: parameter.required ? ` ${parameter.in}` : parameter.in,
      description: parameter.description,
    }),
  );
  return lines.length ? [element("h3", {}, "Parameters"), element("dl", {}, ...lines)] : [];
}

function bodyOf(api, { requestBody }) {
  if (!requestBody) return [];
  const title = element("h3", {}, "Body ", element("small", {}, requestBody.required ? "required" : "optional"));
  const description = requestBody.description ? element("p", {}, ...prose(requestBody.description)) : "";
  return [title, description, ...contents(api, requestBody.content, true)];
}

function responsesOf(api, operation) {
  const lines = Object.entries(operation.responses).map(([status, response]) => {
    const headers = Object.keys(response.headers ?? {});
    return element(
      "div",
      { class: "row" },
      element("dt", { class: "status" }, status),
      element(
        "dd",
        {},
        element("p", {}, ...prose(response.description)),
        headers.length ? element("p", { class: "limits" }, `Headers: ${headers.join(", ")}`) : "",
        ...contents(api, response.content, false),
      ),
    );
  });
  return [element("h3", {}, "Answers"), element("dl", {}, ...lines)];
}

/** Shortest path first, so that a collection comes before what is in it. */
function operationsOf(api, tag) {
  return Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]?.tags?.includes(tag)).map((method) => ({ path, method, ...item[method] })),
  );
}

/** What the filter looks in. */
function searchText(api, operation) {
  const references = JSON.stringify([operation.requestBody, operation.responses[200]]).match(/schemas\/\w+/g) ?? [];
  const names = (operation.parameters ?? []).map(({ name }) => name);
  return [operation.method, operation.path, operation.summary, operation.operationId, operation.tags, ...names, ...references]
    .join(" ")
    .toLowerCase();
}

function operationCard(api, operation) {
  const card = element(
    "details",
    { class: "operation", id: operation.operationId },
    element(
      "summary",
      {},
      element("span", { class: `method ${operation.method}` }, operation.method.toUpperCase()),
      element("span", { class: "path" }, operation.path),
      element("span", { class: "title" }, operation.summary),
    ),
  );
  // Built when it is first opened: most are not.
  card.addEventListener("toggle", () => {
    if (card.children.length > 1) return;
    const description = operation.description ? paragraphs(operation.description) : [];
    card.append(
      element("div", { class: "content" }, ...description, ...parametersOf(operation), ...bodyOf(api, operation), ...responsesOf(api, operation)),
    );
  });
  return card;
}

function schemaCard([name, schema]) {
  const lines = members(schema);
  return element(
    "details",
    { class: "schema", id: `schema-${name}` },
    element("summary", {}, element("span", { class: "path" }, name)),
    element(
      "div",
      { class: "content" },
      schema.description ? element("p", {}, ...prose(schema.description)) : "",
      lines.length ? element("dl", {}, ...lines) : element("p", { class: "type" }, ...typeOf(schema)),
    ),
  );
}

/** Opens what the address names. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName !== "DETAILS") return;
  target.open = true;
  target.scrollIntoView();
}

function show(api) {
  document.getElementById("about").append(...paragraphs(api.info.description));
  const entries = [];
  for (const { name, description } of api.tags) {
    const heading = element("h2", {}, name === "agents" ? "secrets" : name);
    const group = element("section", { class: "group" }, heading.cloneNode(true), element("p", {}, ...prose(description)));
    const list = element("ul");
    for (const operation of operationsOf(api, name)) {
      const card = operationCard(api, operation);
      const link = element("li", {}, element("a", { href: `#${operation.operationId}` }, operation.summary));
      group.append(card);
      list.append(link);
      entries.push({ card, link, text: searchText(api, operation) });
    }
    document.getElementById("operations").append(group);
    document.getElementById("contents").append(element("div", {}, heading, list));
  }
  const schemas = Object.entries(api.components.schemas);
  document.getElementById("schemas").append(element("h2", {}, "Schemas"), ...schemas.map(schemaCard));
  filterWith(entries);
  addEventListener("hashchange", openTarget);
  openTarget();
}

function filterWith(entries) {
  const filter = document.getElementById("filter");
  const state = document.getElementById("state");
  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { card, link, text } of entries) {
      const isShown = words.every((word) => text.includes(word));
      card.hidden = link.hidden = !isShown;
      count += isShown ? 1 : 0;
    }
    for (const group of document.querySelectorAll(".group, #contents > div")) {
      group.hidden = !group.querySelector("details:not([hidden]), li:not([hidden])");
    }
    for (const card of document.querySelectorAll("details.schema")) {
      const name = card.id.toLowerCase();
      card.hidden = !words.every((word) => name.includes(word));
    }
    document.getElementById("about").hidden = words.length > 0;
    const list = document.getElementById("schemas");
    list.hidden = !list.querySelector("details:not([hidden])");
    state.textContent = words.length ? `${count} of ${entries.length} operations` : "";
  };
  filter.addEventListener("input", apply);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== filter && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      filter.focus();
    } else if (event.key === "Escape" && event.target === filter) {
      filter.value = "";
      apply();
    }
  });
  apply();
}

try {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  show(await answer.json());
} catch (error) {
  document.getElementById("state").textContent = `The description could not be loaded: ${error.message}`;
}
