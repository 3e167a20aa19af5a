// What was read, as people see it: one digit in detail, and the boxes on the stage.

export const percent = (share) => {
  if (share > 0.999 && share < 1) return "> 99.9 %";
  if (share < 0.001 && share > 0) return "< 0.1 %";
  return `${(100 * share).toFixed(share > 0.9995 || share === 0 ? 0 : 1)} %`;
};

const MANY = 40; // digits on a picture: of more, only the numbers are marked
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
  if (ratio > 1) return `without the constraints rather ${runnerUp}`;
  return `runner-up ${runnerUp}, ${percent(digit.confidence * ratio)}`;
}

export const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

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

const SVG = "http://www.w3.org/2000/svg";

export function showBoxes(svg, numbers, selected, onStage) {
  const space = svg.clientHeight;
  const isMany = numbers.reduce((count, number) => count + number.digits.length, 0) > MANY;
  const marked = isMany ? numbers : numbers.flatMap((number) => (number.digits.length ? number.digits : [number]));
  const margin = isMany ? 1 : 5;
  svg.replaceChildren(...marked.map((digit) => {
    const box = onStage(digit.box);
    const group = document.createElementNS(SVG, "g");
    const isSelected = digit === selected || Boolean(digit.digits?.includes(selected));
    group.classList.toggle("is-selected", isSelected);
    group.classList.toggle("is-doubtful", isDoubtful(digit) && !digit.corrected);
    const rect = document.createElementNS(SVG, "rect");
    const values = { x: box.left - margin, y: box.top - margin, width: box.width + 2 * margin, height: box.height + 2 * margin };
    for (const [name, value] of Object.entries(values)) rect.setAttribute(name, value);
    const text = document.createElementNS(SVG, "text");
    text.setAttribute("x", box.left + box.width / 2);
    text.setAttribute("y", box.top > 30 ? box.top - 2 * margin - 1 : Math.min(space - 6, box.top + box.height + 22));
    text.textContent = digit.digits ? (digit.struck ? "×" : digit.digits.map(textOf).join("")) : textOf(digit);
    group.append(rect, ...(isMany && !isSelected ? [] : [text])); // many texts would hide the writing
    return group;
  }));
}
