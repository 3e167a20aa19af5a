// The form of one field: its values shown, and what is typed put into it.

import { lengthOf } from "./draft.js";

const SIDES = ["left", "top", "right", "bottom"];

export function showField(form, field) {
  form.hidden = !field;
  if (!field) return;
  for (const label of form.querySelectorAll("[data-kinds]")) label.hidden = !label.dataset.kinds.split(" ").includes(field.kind);
  for (const input of form.elements) {
    if (!input.name || input === document.activeElement && input.type !== "number") continue;
    const value = SIDES.includes(input.name) ? field.box[SIDES.indexOf(input.name)] : field[input.name];
    if (input.type === "checkbox") input.checked = Boolean(value);
    else input.value = Array.isArray(value) ? value.join("-") : value === false ? "false" : value ?? "";
  }
}

export function setValue(field, { name, type, value, checked }) {
  if (SIDES.includes(name)) field.box[SIDES.indexOf(name)] = Number(value);
  else if (type === "checkbox") field.required = checked;
  else if (value === "") delete field[name];
  else if (name === "length") field.length = lengthOf(value);
  else if (name === "comb") field.comb = false;
  else if (type === "number") field[name] = Number(value);
  else if ((name === "min" || name === "max") && !["date", "time"].includes(field.kind) && /^-?\d+$/.test(value)) field[name] = Number(value);
  else field[name] = value;
  if (name === "name") field.name = value;
  if (name === "kind" && value === "comb") field.cells ??= Math.max(1, Math.round((field.box[2] - field.box[0]) / 7));
}
