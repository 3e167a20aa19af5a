// What is known of the numbers: the form's values as the service takes them, and how many are in force.

export class Constraints {
  #form;
  onChange = () => {};

  constructor(form, badge) {
    this.#form = form;
    this.#showKind();
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", () => {
      this.#showKind();
      const inForce = [...new FormData(form).values()].filter(Boolean).length;
      badge.textContent = String(inForce);
      badge.hidden = !inForce;
      if (form.reportValidity()) this.onChange();
    });
  }

  get values() {
    const given = Object.fromEntries(new FormData(this.#form));
    return { ...given, grid: given.grid.replace("×", "x") };
  }

  // Options of other kinds than the chosen one are neither shown nor sent.
  #showKind() {
    for (const option of this.#form.querySelectorAll("[data-kinds]")) {
      option.hidden = !option.dataset.kinds.split(" ").includes(this.#form.elements.kind.value);
      option.querySelector("input, select").disabled = option.hidden;
    }
  }
}
