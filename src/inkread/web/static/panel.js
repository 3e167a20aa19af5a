// What was read, as people see it: the numbers, one digit in detail, and the boxes on the stage.

export const percent = (share) => {
  if (share > 0.999 && share < 1) return "> 99.9 %";
  if (share < 0.001 && share > 0) return "< 0.1 %";
  return `${(100 * share).toFixed(share > 0.9995 || share === 0 ? 0 : 1)} %`;
};

const SURE = 0.9; // digits less confident than this are shown as doubtful

export const isDoubtful = (digit) => digit.rejected || digit.confidence < SURE;
export const textOf = (digit) => digit.corrected ?? (digit.rejected ? "?" : String(digit.label));

export function verdictOf(digit) {
  if (digit.corrected === "×") return "Corrected: not a digit";
  if (digit.corrected) return `Corrected: ${digit.corrected}`;
  if (!digit.rejected) return `${digit.label}, ${percent(digit.confidence)} sure`;
  if (digit.junk >= digit.confidence) return "Not a digit";
  return "Not sure";
}

export function runnerUpOf(digit) {
  const others = [...digit.probabilities.keys()].filter((label) => label !== digit.label);
  const runnerUp = others.reduce((best, label) => (digit.probabilities[label] > digit.probabilities[best] ? label : best));
  if (digit.rejected) return `best guess ${digit.label}, then ${runnerUp}; no digit at all: ${percent(digit.junk)}`;
  const ratio = digit.probabilities[runnerUp] / digit.probabilities[digit.label];
  if (ratio > 1) return `without what you know rather ${runnerUp}`;
  return `runner-up ${runnerUp}, ${percent(digit.confidence * ratio)}`;
}

export const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

export function showNumbers(container, numbers, selected, onSelect) {
  const focused = container.contains(document.activeElement);
  container.classList.toggle("is-many", numbers.length > 3);
  container.replaceChildren(...numbers.map((number) => {
    const digits = element("span", { className: "digits" }, ...number.digits.map((digit) => {
      const button = element("button", { type: "button", textContent: textOf(digit) });
      button.classList.toggle("is-doubtful", isDoubtful(digit) && !digit.corrected);
      button.classList.toggle("is-corrected", Boolean(digit.corrected));
      button.setAttribute("aria-pressed", String(digit === selected));
      button.setAttribute("aria-label", `${textOf(digit)}: ${verdictOf(digit)}`);
      button.addEventListener("click", () => onSelect(digit));
      return button;
    }));
    return element("div", { className: "number" }, digits, element("span", { className: "sure", textContent: noteOf(number) }));
  }));
  if (focused) container.querySelector('[aria-pressed="true"]')?.focus();
}

export function showBars(list, digit) {
  if (list.children.length === 0) {
    for (let label = 0; label < 10; label++) {
      const track = element("span", { className: "track" }, element("span", { className: "fill" }));
      track.setAttribute("aria-hidden", "true");
      list.append(element("li", {}, track, element("span", { textContent: String(label) }), element("span", { className: "visually-hidden" })));
    }
  }
  const best = Math.max(...digit.probabilities);
  digit.probabilities.forEach((probability, label) => {
    const item = list.children[label];
    item.classList.toggle("is-first", probability === best && best > 0);
    item.querySelector(".fill").style.height = `${100 * probability}%`;
    item.lastChild.textContent = `: ${percent(probability)}`;
  });
}

// What stands beside a number: how sure it is, how it was written, and what was known of it did.
function noteOf(number) {
  if (!number.digits.length) return `nothing fits what you know; read without it: ${number.unconstrained}`;
  const notes = [];
  if (number.digits.length > 1) notes.push(number.rejected ? "not sure" : `${percent(number.confidence)} sure`);
  if (number.raw && number.raw !== number.text) notes.push(`written ${number.raw}`);
  const value = number.value ?? number.date ?? number.time;
  if (value && value !== number.raw) notes.push(`value ${value}`);
  if (number.unconstrained != null) notes.push(`without what you know: ${number.unconstrained || "nothing"}`);
  return notes.join(" · ");
}

const SVG = "http://www.w3.org/2000/svg";

export function showBoxes(svg, digits, selected, onStage) {
  const space = svg.clientHeight;
  svg.replaceChildren(...digits.map((digit) => {
    const box = onStage(digit.box);
    const group = document.createElementNS(SVG, "g");
    group.classList.toggle("is-selected", digit === selected);
    group.classList.toggle("is-doubtful", isDoubtful(digit) && !digit.corrected);
    const rect = document.createElementNS(SVG, "rect");
    const values = { x: box.left - 5, y: box.top - 5, width: box.width + 10, height: box.height + 10 };
    for (const [name, value] of Object.entries(values)) rect.setAttribute(name, value);
    const text = document.createElementNS(SVG, "text");
    text.setAttribute("x", box.left + box.width / 2);
    text.setAttribute("y", box.top > 30 ? box.top - 11 : Math.min(space - 6, box.top + box.height + 22));
    text.textContent = textOf(digit);
    group.append(rect, text);
    return group;
  }));
}
