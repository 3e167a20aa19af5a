// What can be undone and done again: states that are never changed, only replaced.

const LONGEST = 200; // steps

export class History {
  #past = [];
  #future = [];

  constructor(state) {
    this.state = state;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  // Goes on to a state.
  push(state) {
    this.#past.push(this.state);
    if (this.#past.length > LONGEST) this.#past.shift();
    this.#future = [];
    this.state = state;
  }

  // Takes a state in place of the present one, which can't be had again.
  replace(state) {
    this.state = state;
  }

  undo() {
    this.#future.push(this.state);
    this.state = this.#past.pop();
  }

  redo() {
    this.#past.push(this.state);
    this.state = this.#future.pop();
  }

  // As if the last step had never been taken.
  forget() {
    this.state = this.#past.pop();
  }
}

// Has the buttons "undo" and "redo", and their keys, do what they say.
export function offerUndo(undo, redo) {
  for (const [id, act] of Object.entries({ undo, redo })) document.getElementById(id).addEventListener("click", act);
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    const isMeant = (event.ctrlKey || event.metaKey) && !event.altKey && (key === "z" || key === "y");
    if (!isMeant || event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) redo();
    else undo();
  });
}
