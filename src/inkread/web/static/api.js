// Calls of the HTTP API. What goes wrong is an ApiError with a sentence for people.

import { element } from "./panel.js";

const TOKEN = "inkread-token";
const PERSON = "inkread-person";

export class ApiError extends Error {
  constructor(status, message, problem = {}) {
    super(message);
    this.status = status;
    this.problem = problem;
  }
}

async function call(path, options = {}) {
  const headers = new Headers(options.headers);
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The service can't be reached.");
  }
  if (response.status === 401) {
    await askForToken();
    return call(path, options);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(response.status, problem.detail || `The service answered ${response.status}.`, problem);
}

let asking = null;

function askForToken() {
  asking ??= new Promise((resolve) => {
    const input = element("input", { id: "token", type: "text", autocomplete: "off", spellcheck: false, required: true });
    const form = element("form", { method: "dialog" },
      element("h2", { id: "token-title", textContent: "This service asks for a token" }),
      element("label", { htmlFor: "token", textContent: "Token" }),
      input,
      element("button", { type: "submit", className: "primary", textContent: "Go on" }),
    );
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

export function explain(picture, box, options) {
  return json(`v1/explain${query({ box: box.join(), ...options })}`, post(picture));
}

export function correct(picture, box, label, { min_confidence: _, ...options }) {
  const headers = { "Inkread-Person": person() };
  return json(`v1/corrections${query({ box: box.join(), label, ...options })}`, post(picture, { headers }));
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
export const showable = async (picture) => (await call("v1/forms/picture", post(picture))).blob();

export function readForm(scan, template, blank) {
  const body = new FormData();
  body.append("scan", scan);
  body.append("template", template);
  if (blank) body.append("blank", blank);
  return json("v1/forms/read", { method: "POST", body });
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
