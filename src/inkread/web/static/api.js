// Calls of the HTTP API. What goes wrong is an ApiError with a sentence for people.

const TOKEN = "inkread-token";
const PERSON = "inkread-person";

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
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
  throw new ApiError(response.status, problem.detail || `The service answered ${response.status}.`);
}

let asking = null;

function askForToken() {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("token-dialog");
    const input = document.getElementById("token");
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(TOKEN, input.value);
      asking = null;
      resolve();
    }, { once: true });
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

export function read(picture, constraints, signal) {
  return json(`v1/read${query(constraints)}`, post(picture, { signal }));
}

export function explain(picture, box) {
  return json(`v1/explain${query({ box: box.join() })}`, post(picture));
}

export function correct(picture, box, label) {
  const headers = { "Inkread-Person": person() };
  return json(`v1/corrections${query({ box: box.join(), label })}`, post(picture, { headers }));
}

export async function forget() {
  const headers = { "Inkread-Person": person() };
  const { deleted } = await json("v1/corrections", { method: "DELETE", headers });
  localStorage.removeItem(PERSON);
  return deleted;
}

export const list = (judged, after) => json(`v1/corrections${query({ judged, after, limit: 50 })}`);
export const pictureOf = async (id) => (await call(`v1/corrections/${id}/picture`)).blob();
export const exported = async () => (await call("v1/corrections/export")).blob();
export const remove = (id) => json(`v1/corrections/${id}`, { method: "DELETE" });
export const removeAll = () => json("v1/corrections?all=true", { method: "DELETE" });

export function judge(id, label) {
  const headers = { "Content-Type": "application/json" };
  return json(`v1/corrections/${id}`, { method: "PUT", headers, body: JSON.stringify({ label }) });
}

function post(picture, { headers = {}, signal } = {}) {
  const type = picture.type.startsWith("image/") ? picture.type : "application/octet-stream";
  return { method: "POST", body: picture, headers: { ...headers, "Content-Type": type }, signal };
}
