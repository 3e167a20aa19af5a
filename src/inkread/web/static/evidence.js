// An explanation: what ink, and what empty paper, speaks for the digit and for its runner-up.

import { element } from "./panel.js";

const PIXEL = 12;
const LEAST = 0.1; // of the strongest evidence; weaker marks are left out

export function showExplanation(container, found) {
  const size = found.glyph.length;
  const all = [found.evidence.ink, found.evidence.paper].flat(2).map(Math.abs);
  const strongest = Math.max(...all) || 1;
  const figure = (label, sign, colour) => {
    const canvas = element("canvas", { width: size * PIXEL, height: size * PIXEL });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `What speaks for ${label}`);
    queueMicrotask(() => draw(canvas, found, sign / strongest, colour));
    return element("figure", {}, canvas, element("figcaption", { textContent: `speaks for ${label}` }));
  };
  const figures = element("div", {}, figure(found.label, 1, "--accent"), figure(found.runner_up, -1, "--doubt"));
  const legend = "● ink   ○ empty paper; the larger, the stronger";
  container.replaceChildren(
    element("p", { textContent: found.summary }), figures, element("p", { className: "quiet", textContent: legend }),
  );
}

function draw(canvas, { glyph, evidence }, scale, colourName) {
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const colour = style.getPropertyValue("color");
  const accent = resolved(canvas, colourName);
  for (let row = 0; row < glyph.length; row++) {
    for (let column = 0; column < glyph.length; column++) {
      context.globalAlpha = (0.22 * glyph[row][column]) / 255;
      context.fillStyle = colour;
      context.fillRect(column * PIXEL, row * PIXEL, PIXEL, PIXEL);
      const ink = evidence.ink[row][column] * scale, paper = evidence.paper[row][column] * scale;
      const strength = Math.max(ink, paper);
      if (strength <= LEAST) continue;
      context.globalAlpha = 1;
      context.beginPath();
      context.arc((column + 0.5) * PIXEL, (row + 0.5) * PIXEL, Math.max(1, (Math.sqrt(strength) * PIXEL) / 2 - 0.75), 0, 2 * Math.PI);
      context.fillStyle = context.strokeStyle = accent;
      context.lineWidth = 1.5;
      if (ink >= paper) context.fill();
      else context.stroke();
    }
  }
}

// A colour of the style sheet as the canvas takes it, light or dark as the page is.
function resolved(canvas, name) {
  const probe = element("span");
  probe.style.color = `var(${name})`;
  canvas.parentElement.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

// The glyph of a stored correction: 784 bytes in base64, drawn in the page's own ink.
export function drawGlyph(canvas, base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const size = Math.round(Math.sqrt(bytes.length));
  const pixel = canvas.width / size;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = getComputedStyle(canvas).color;
  bytes.forEach((ink, index) => {
    context.globalAlpha = ink / 255;
    context.fillRect((index % size) * pixel, Math.floor(index / size) * pixel, pixel, pixel);
  });
}
