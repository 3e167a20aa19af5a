// The reference of the HTTP API, made from openapi.json: what each request takes and answers, with examples.

import { element } from "./panel.js";

const METHODS = ["get", "post", "put", "delete"];

const byId = (id) => document.getElementById(id);

// Marks `code` in a text of OpenAPI, which is Markdown of the simplest kind.
function prose(text) {
  return text.split("\n\n").map((paragraph) => element("p", {}, ...paragraph.split("`").map((part, at) => (at % 2 ? element("code", { textContent: part }) : part))));
}

const resolved = (document, schema) => (schema?.$ref ? schema.$ref.slice(2).split("/").reduce((found, key) => found[key], document) : schema ?? {});

// What a value may be, in a few words.
function kindOf(document, schema) {
  const found = resolved(document, schema);
  const choices = (found.anyOf ?? []).filter(({ type }) => type !== "null");
  if (choices.length) return choices.map((each) => kindOf(document, each)).join(" or ");
  if (found.enum) return found.enum.map((each) => JSON.stringify(each)).join(", ");
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.type === "array") return `list of ${kindOf(document, found.items ?? found.prefixItems?.[0])}`;
  const range = [found.minimum !== undefined && `from ${found.minimum}`, found.maximum !== undefined && `to ${found.maximum}`].filter(Boolean).join(" ");
  const kind = found.format === "binary" ? "file" : found.title && found.properties ? found.title : found.type ?? "anything";
  return [kind, range, found.pattern && `like ${found.pattern}`].filter(Boolean).join(", ");
}

function list(document, rows) {
  return element("dl", {}, ...rows.flatMap(({ name, schema, description, required }) => [
    element("dt", {}, element("code", { textContent: name }), required ? " (needed)" : ""),
    element("dd", {}, `${kindOf(document, schema)}${description ?? resolved(document, schema).description ? ". " : ""}`, ...(prose(description ?? resolved(document, schema).description ?? "")[0]?.childNodes ?? [])),
  ]));
}

const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 1));
const exampleOf = (content) => content?.example ?? Object.values(content?.examples ?? {})[0]?.value;

// An example of a request: what is sent, to an address of this service.
function requestOf(document, method, path, operation) {
  const address = new URL(`.${path.replace(/\{(\w+)\}/g, "1")}`, location.href).href;
  const contents = operation.requestBody?.content ?? {};
  const type = Object.keys(contents).find((each) => each.startsWith("image/")) ?? Object.keys(contents)[0];
  const parts = type === "multipart/form-data" ? Object.entries(resolved(document, contents[type].schema).properties ?? {}) : [];
  return { method: method.toUpperCase(), address, type, parts, body: type?.endsWith("json") ? exampleOf(contents[type]) ?? {} : null };
}

const FILES = { image: "meter.jpg", scan: "scan.jpg", template: "form.yaml", blank: "blank.png" };

function inCurl({ method, address, type, parts, body }) {
  const verb = method === "GET" || (method === "POST" && type) ? "" : `-X ${method} `;
  if (parts.length) return `curl ${parts.map(([name]) => `-F ${name}=${name === "template" ? "<" : "@"}${FILES[name] ?? name}`).join(" ")} '${address}'`;
  if (body !== null) return `curl ${verb}-H 'Content-Type: ${type}' -d '${JSON.stringify(body)}' '${address}'`;
  return `curl ${verb}${type ? "--data-binary @meter.jpg " : ""}'${address}'`;
}

function inPython({ method, address, type, parts, body }) {
  const given = parts.length ? `, files={${parts.map(([name]) => `"${name}": open("${FILES[name] ?? name}", "rb")`).join(", ")}}`
    : body !== null ? `, json=${JSON.stringify(body).replaceAll("null", "None").replaceAll("true", "True").replaceAll("false", "False")}`
    : type ? ', content=open("meter.jpg", "rb").read()' : "";
  return `import httpx\n\nanswer = httpx.request("${method}", "${address}"${given})\nprint(answer.status_code, answer.text)`;
}

function inJavaScript({ method, address, type, parts, body }) {
  const before = parts.length ? `const body = new FormData();\n${parts.map(([name]) => `body.append("${name}", ${name}); // a File`).join("\n")}\n` : "";
  const options = [
    method !== "GET" && `method: "${method}"`,
    parts.length ? "body" : body !== null ? `headers: { "Content-Type": "${type}" }, body: JSON.stringify(${JSON.stringify(body)})` : type && "body: file",
  ].filter(Boolean).join(", ");
  return `${before}const answer = await fetch("${address}"${options ? `, { ${options} }` : ""});\nconsole.log(answer.status, await answer.text());`;
}

const LANGUAGES = { curl: inCurl, Python: inPython, JavaScript: inJavaScript };

function section(document, method, path, operation) {
  const id = `${method}${path.replace(/\W+/g, "-")}`;
  const card = element("section", { className: "card", id });
  card.setAttribute("aria-labelledby", `${id}-title`);
  card.append(
    element("h2", { id: `${id}-title` }, element("span", { className: "method", textContent: method.toUpperCase() }), path),
    ...prose(operation.description ?? operation.summary ?? ""),
  );
  const parameters = (operation.parameters ?? []).map((each) => resolved(document, each));
  if (parameters.length) card.append(element("h3", { textContent: "Takes" }), list(document, parameters));
  const contents = operation.requestBody?.content ?? {};
  for (const [type, content] of Object.entries(contents)) {
    const properties = resolved(document, content.schema).properties;
    card.append(element("h3", {}, "Body: ", element("code", { textContent: type })));
    if (properties) {
      const { required = [] } = resolved(document, content.schema);
      card.append(list(document, Object.entries(properties).map(([name, schema]) => ({ name, schema, required: required.includes(name) }))));
    }
  }
  const request = requestOf(document, method, path, operation);
  card.append(element("h3", { textContent: "Example" }));
  for (const [name, write] of Object.entries(LANGUAGES)) {
    const code = element("pre", { textContent: write(request), tabIndex: 0 });
    code.dataset.language = name;
    card.append(code);
  }
  for (const [status, answer] of Object.entries(operation.responses)) {
    const isGood = status.startsWith("2");
    card.append(element("h3", { textContent: `${status}: ${answer.description || (isGood ? "done" : "")}` }));
    const example = exampleOf(Object.values(answer.content ?? {})[0]);
    if (isGood && example !== undefined) card.append(element("pre", { textContent: shown(example), tabIndex: 0 }));
  }
  return card;
}

function choose(language) {
  for (const button of byId("languages").children) button.setAttribute("aria-pressed", String(button.value === language));
  for (const code of byId("reference").querySelectorAll("[data-language]")) code.hidden = code.dataset.language !== language;
}

function show(document) {
  byId("about").append(...prose(`Version ${document.info.version}. ${document.info.description}`));
  const groups = new Map();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of METHODS.filter((each) => each in methods)) {
      const operation = methods[method];
      const group = operation.tags?.[0] ?? "service";
      groups.set(group, [...(groups.get(group) ?? []), [method, path, operation]]);
    }
  }
  for (const [group, operations] of groups) {
    byId("contents").append(element("h2", { textContent: group }));
    for (const [method, path, operation] of operations) {
      const card = section(document, method, path, operation);
      byId("reference").append(card);
      byId("contents").append(element("a", { href: `#${card.id}`, textContent: `${method.toUpperCase()} ${path}` }));
    }
  }
  choose("curl");
}

byId("languages").addEventListener("click", ({ target }) => {
  if (target.value) choose(target.value);
});

const answer = await fetch("openapi.json").catch(() => null);
if (answer?.ok) show(await answer.json());
else {
  byId("message").textContent = "The service can't be reached. Load this page again.";
  byId("message").hidden = false;
}
