// Calls of the HTTP API. What goes wrong is an ApiError with a sentence for people.

import { element } from "./panel.js";
import { inWords, isPassing } from "./problems.js";

const TOKEN = "inkread-token";
const PERSON = "inkread-person";

export class ApiError extends Error {
  constructor(status, message, problem = {}) {
    super(message);
    this.status = status;
    this.problem = problem;
  }

  // Whether the same request may succeed a little later.
  get isPassing() {
    return isPassing(this.status);
  }
}

const LONGEST_WAIT_MS = 8000; // before a request is tried again

async function call(path, options = {}) {
  const headers = new Headers(options.headers);
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, inWords(0));
  }
  if (response.status === 401) {
    await askForToken(token);
    return call(path, options);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(response.status, inWords(response.status, problem), problem);
}

// Does what calls the service until it can be reached; onWait(error) is told of each failure.
export async function patiently(work, signal, onWait) {
  for (let wait = 1000; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!error.isPassing) throw error;
      onWait(error);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait);
        signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
      });
      signal?.throwIfAborted();
    }
  }
}

let asking = null;

function askForToken(refused) {
  asking ??= new Promise((resolve) => {
    const wrong = element("p", { id: "token-wrong", className: "message", textContent: "This token isn't the service's.", hidden: !refused });
    const input = element("input", { id: "token", type: "text", autocomplete: "off", spellcheck: false, required: true });
    const form = element("form", { method: "dialog" },
      element("h2", { id: "token-title", textContent: "This service asks for a token" }),
      wrong,
      element("label", { htmlFor: "token", textContent: "Token" }),
      input,
      element("button", { type: "submit", className: "primary", textContent: "Go on" }),
    );
    if (refused) input.setAttribute("aria-describedby", wrong.id);
    const dialog = element("dialog", {}, form);
    dialog.setAttribute("aria-labelledby", "token-title");
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(TOKEN, input.value);
      dialog.remove();
      asking = null;
      resolve();
    }, { once: true });
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}

// The token by which this browser's corrections, and no others, can be deleted again.
function person() {
  let token = localStorage.getItem(PERSON);
  if (!token) {
    token = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    localStorage.setItem(PERSON, token);
  }
  return token;
}

export const hasCorrected = () => localStorage.getItem(PERSON) !== null;

const json = async (path, options) => (await call(path, options)).json();
const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value != null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

export const about = () => json("v1/about");

// The options that a picture was read with go along when one of its digits is explained or corrected,
// so that it is the digit that was shown.
export function read(picture, options, signal) {
  return json(`v1/read${query(options)}`, post(picture, { signal }));
}

// One page of a file as a picture that browsers show, and how many pages the file has.
export async function pageOf(file, page, signal) {
  const response = await call(`v1/picture${query({ page })}`, post(file, { signal }));
  return { blob: await response.blob(), count: Number(response.headers.get("Inkread-Pages")) };
}

export function explain(picture, box, options) {
  return json(`v1/explain${query({ box: box.join(), ...options })}`, post(picture));
}

export function correct(picture, box, label, options) {
  const { min_confidence: _, printed: _printed, cells: _cells, grid: _grid, ...ofNumbers } = options; // not of pages
  const headers = { "Inkread-Person": person() };
  return json(`v1/corrections${query({ box: box.join(), label, ...ofNumbers })}`, post(picture, { headers }));
}

export async function forget() {
  const headers = { "Inkread-Person": person() };
  const { deleted } = await json("v1/corrections", { method: "DELETE", headers });
  localStorage.removeItem(PERSON);
  return deleted;
}

export const list = (judged, after) => json(`v1/corrections${query({ judged, after, limit: 50 })}`);
export const pictureOf = async (id, signal) => (await call(`v1/corrections/${id}/picture`, { signal })).blob();
export const exported = async () => (await call("v1/corrections/export")).blob();
export const remove = (id) => json(`v1/corrections/${id}`, { method: "DELETE" });
export const removeAll = () => json("v1/corrections?all=true", { method: "DELETE" });

// The label null: it waits again.
export function judge(id, label) {
  const headers = { "Content-Type": "application/json" };
  return json(`v1/corrections/${id}`, { method: "PUT", headers, body: JSON.stringify({ label }) });
}

// Forms -------------------------------------------------------------------------------------------

export function checkTemplate(template) {
  const isText = typeof template === "string";
  const headers = { "Content-Type": isText ? "application/yaml" : "application/json" };
  return json("v1/forms/template", { method: "POST", headers, body: isText ? template : JSON.stringify(template) });
}

export const propose = (picture, page) => json(`v1/forms/propose${query({ page })}`, post(picture));

// A picture that browsers show, and the size of its paper in millimetres where the file says it.
export async function showable(picture) {
  const response = await call("v1/forms/picture", post(picture));
  const paper = response.headers.get("Inkread-Paper")?.split("x").map(Number) ?? null;
  return { blob: await response.blob(), paper };
}

export function readForm(scan, template, blank, signal) {
  const body = new FormData();
  body.append("scan", scan);
  body.append("template", template);
  if (blank) body.append("blank", blank);
  return json("v1/forms/read", { method: "POST", body, signal });
}

export const doubtfulFields = () => json("v1/fields");
export const pictureOfField = async (field, signal) => (await call(`${fieldPath(field)}/picture`, { signal })).blob();

export function correctField(field, value, anyway) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ value });
  return json(`${fieldPath(field)}${query({ anyway: anyway || "" })}`, { method: "PUT", headers, body });
}

export const takeBackField = (field) => json(fieldPath(field), { method: "DELETE" });

const fieldPath = ({ form_id: id, name }) => `v1/fields/${id}/${name}`;

function post(picture, { headers = {}, signal } = {}) {
  const type = picture.type.startsWith("image/") ? picture.type : "application/octet-stream";
  return { method: "POST", body: picture, headers: { ...headers, "Content-Type": type }, signal };
}
