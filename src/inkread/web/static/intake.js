// How files come to a page: chosen, photographed, pasted, dropped, or samples that were clicked.

// Has open(files) called with what is pasted or dropped anywhere on the page; target is marked meanwhile.
export function receiveDrops(target, open) {
  const take = (files) => {
    if (files.length) open([...files]);
  };
  document.addEventListener("paste", (event) => take(event.clipboardData.files));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    target.classList.add("is-target");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) target.classList.remove("is-target");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    target.classList.remove("is-target");
    take(event.dataTransfer.files);
  });
}

export const isTemplate = (file) => /\.ya?ml$/i.test(file.name);
export const isPicture = (file) => /^image\/|pdf$/.test(file.type) || /\.(tiff?|pdf)$/i.test(file.name);

// A file of the service, such as a sample.
export async function fetchFile(address) {
  const blob = await (await fetch(address)).blob();
  return new File([blob], address.split("/").pop(), { type: blob.type });
}

export function receiveFiles(open) {
  for (const input of [document.getElementById("file"), document.getElementById("camera")]) {
    input.addEventListener("change", () => {
      open([...input.files]);
      input.value = ""; // the same file may be chosen again
    });
  }
  for (const button of document.getElementById("samples").querySelectorAll("button")) {
    button.addEventListener("click", async () => open([await fetchFile(button.querySelector("img").src)]));
  }
  receiveDrops(document.getElementById("stage"), open);
}
