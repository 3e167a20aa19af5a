// Why a digit was read as it was, and what a person says that it, or its whole number, is.

import * as api from "./api.js";
import { showExplanation } from "./evidence.js";
import { isShown, sayingOf } from "./numbers.js";
import { element } from "./panel.js";

const NOT_A_DIGIT = "not a digit";
const SAME = 0.4; // boxes that share so much of their area are of the same ink

const byId = (id) => document.getElementById(id);
const label = byId("label"), whole = byId("whole-number");

export class Corrections {
  #reading;
  #onChange;
  #say;
  #taken = []; // the number that is corrected as a whole, and those that are parts of it
  isOn = false; // whether the service stores corrections

  // reading() is what is shown: { source, known, page, digit, pending }, the last a promise while it is being read.
  constructor({ reading, onChange, say }) {
    this.#reading = reading;
    this.#onChange = onChange;
    this.#say = say;
    const press = (id, act) => byId(id).addEventListener("click", act);
    press("later", () => this.correct(true));
    press("forget", () => this.#forget());
    press("whole", () => this.#openWhole(whole.hidden));
    press("join", () => this.#join());
    press("no-number", () => this.#correctWhole(NOT_A_DIGIT));
    for (const [id, act] of [["one-digit", () => this.correct(false)], ["whole-number", () => this.#correctWhole()]]) {
      byId(id).addEventListener("submit", (event) => {
        event.preventDefault();
        act();
      });
    }
    label.addEventListener("input", () => this.set(label.value));
    for (const value of [..."0123456789", "x"]) {
      const key = element("button", { type: "button", value, textContent: value === "x" ? NOT_A_DIGIT : value });
      key.addEventListener("click", () => this.set(value));
      byId("keypad").append(key);
    }
    this.set("");
  }

  // Offers corrections, if the service keeps something of them.
  start(kept) {
    this.isOn = kept !== null;
    byId("correction").hidden = byId("review-link").hidden = !this.isOn;
    byId("no-store").hidden = this.isOn;
    if (this.isOn) {
      const what = kept === "picture" ? "the whole picture" : "the small image of the digit or number";
      byId("privacy").textContent = `Pictures are read by the computer that runs this service. Only with a correction, ${what} is stored.`;
    }
    this.#showForget();
  }

  get isTyped() {
    return label.value !== "" || !whole.hidden;
  }

  set(text) {
    this.#openWhole(false);
    label.value = text;
    label.classList.toggle("is-pending", text !== "");
    for (const key of byId("keypad").children) key.setAttribute("aria-pressed", String(key.value === text.trim().toLowerCase()));
  }

  async explain() {
    const { source, known, digit } = await this.#last();
    if (!digit) return;
    const explanation = byId("explanation"), why = byId("why");
    if (!explanation.hidden) {
      explanation.hidden = true;
      why.setAttribute("aria-expanded", "false");
      return;
    }
    await this.#attempt(async () => {
      const found = await api.explain(source, digit.box, known);
      if (digit !== this.#reading().digit) return;
      showExplanation(explanation, found);
      explanation.hidden = false;
      why.setAttribute("aria-expanded", "true");
    });
  }

  async correct(isForLater) {
    const { source, known, digit } = await this.#last();
    const said = label.value.trim().toLowerCase();
    if (!digit || !(isForLater || /^[0-9x]$/.test(said))) return;
    await this.#attempt(async () => {
      await api.correct(source, digit.box, isForLater ? "" : said === "x" ? NOT_A_DIGIT : said, known);
      if (!isForLater) digit.corrected = said === "x" ? "×" : said;
      this.#done(isForLater ? "Stored for review" : `Corrected to ${digit.corrected}`);
      if (isForLater) byId("runner-up").textContent = "stored for review";
    });
  }

  // Goes on with what was marked in one reading in the next one of the same ink.
  carry(marked, page, onStage) {
    const digits = page.numbers.flatMap((number) => number.digits);
    for (const [before, after] of [[marked.numbers, page.numbers], [marked.digits, digits]]) {
      for (const { box, corrected, isPart } of before) {
        const same = after.find((each) => overlap(box, onStage(each.box)) > SAME);
        if (same) Object.assign(same, { corrected, isPart });
      }
    }
  }

  // Numbers and digits that were corrected, with their places on the stage.
  marked(page, onStage) {
    const of = (things) => things.filter((each) => each.corrected != null || each.isPart).map((each) => ({ ...each, box: onStage(each.box) }));
    const numbers = page?.numbers ?? [];
    return { numbers: of(numbers), digits: of(numbers.flatMap((number) => number.digits)) };
  }

  #openWhole(isOpen) {
    const { page, digit } = this.#reading();
    const number = page?.numbers.find((each) => each.digits.includes(digit));
    this.#taken = isOpen && number ? [number] : [];
    whole.hidden = !this.#taken.length;
    byId("one-digit").hidden = byId("keypad").hidden = byId("correction-help").hidden = !whole.hidden;
    byId("whole").textContent = whole.hidden ? "Correct the whole number" : "Correct one digit";
    byId("whole").setAttribute("aria-expanded", String(!whole.hidden));
    if (whole.hidden) return;
    byId("number").value = sayingOf(number);
    byId("join").hidden = !this.#next();
    byId("number").focus();
    byId("number").select();
  }

  #next() {
    const shown = this.#reading().page.numbers.filter(isShown);
    return shown[shown.indexOf(this.#taken.at(-1)) + 1];
  }

  #join() {
    const next = this.#next();
    this.#taken.push(next);
    byId("number").value += sayingOf(next);
    byId("join").hidden = !this.#next();
    byId("number").focus();
  }

  async #correctWhole(said = byId("number").value.replace(/\s/g, "")) {
    const boxes = this.#taken.map((each) => each.box);
    const { source, known, page } = await this.#last();
    const [number, ...parts] = boxes.map((box) => page?.numbers.find((each) => each.box.join() === box.join())); // it may have been read again
    if (!number || !said) return;
    const box = [0, 1, 2, 3].map((side) => Math[side < 2 ? "min" : "max"](...boxes.map((each) => each[side])));
    await this.#attempt(async () => {
      await api.correct(source, box, said, { ...known, whole: true });
      Object.assign(number, { corrected: said === NOT_A_DIGIT ? "×" : said, box });
      for (const part of parts) Object.assign(part ?? {}, { isPart: true });
      this.#done(`Corrected to ${number.corrected}`);
    });
  }

  #done(text) {
    byId("announcement").textContent = text;
    this.set("");
    this.#say("");
    this.#showForget();
    this.#onChange();
  }

  // What is shown once no reading is under way.
  async #last() {
    while (this.#reading().pending) await this.#reading().pending;
    return this.#reading();
  }

  async #forget() {
    await this.#attempt(async () => {
      const deleted = await api.forget();
      this.#showForget();
      this.#say(`${deleted} of your corrections deleted.`);
    });
  }

  #showForget() {
    byId("forget").hidden = !(this.isOn && api.hasCorrected());
  }

  async #attempt(work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      this.#say(error.message);
    }
  }
}

// The share that two boxes have in common of all that they cover.
function overlap(one, other) {
  const width = Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left);
  const height = Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
  const both = Math.max(0, width) * Math.max(0, height);
  return both / (one.width * one.height + other.width * other.height - both);
}
