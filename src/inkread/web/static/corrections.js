// Why a digit was read as it was, and what a person says it is.

import * as api from "./api.js";
import { showExplanation } from "./evidence.js";

const NOT_A_DIGIT = "not a digit";

const byId = (id) => document.getElementById(id);
const label = byId("label");

export class Corrections {
  #reading;
  #onChange;
  #say;
  isOn = false; // whether the service stores corrections

  // reading() is what is shown: { source, known, digit, pending }, the last a promise while it is being read.
  constructor({ reading, onChange, say }) {
    this.#reading = reading;
    this.#onChange = onChange;
    this.#say = say;
    byId("later").addEventListener("click", () => this.correct(true));
    byId("forget").addEventListener("click", () => this.#forget());
    byId("correction").addEventListener("submit", (event) => {
      event.preventDefault();
      this.correct(false);
    });
    label.addEventListener("input", () => this.set(label.value));
  }

  // Offers corrections, if the service keeps something of them.
  start(kept) {
    this.isOn = kept !== null;
    byId("correction").hidden = byId("correction-help").hidden = byId("review-link").hidden = !this.isOn;
    if (this.isOn) {
      const what = kept === "picture" ? "the whole picture" : "the small image of the digit";
      byId("privacy").textContent = `Pictures are read by the computer that runs this service. Only with a correction, ${what} is stored.`;
    }
    this.#showForget();
  }

  get isTyped() {
    return label.value !== "";
  }

  set(text) {
    label.value = text;
    label.classList.toggle("is-pending", text !== "");
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
      byId("announcement").textContent = isForLater ? "Stored for review" : `Corrected to ${digit.corrected}`;
      this.set("");
      this.#showForget();
      this.#onChange();
      if (isForLater) byId("runner-up").textContent = "stored for review";
    });
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
