// How files come to the page: chosen, photographed, pasted, dropped, or samples that were clicked.

export function receiveFiles(open) {
  const stage = document.getElementById("stage");
  for (const input of [document.getElementById("file"), document.getElementById("camera")]) {
    input.addEventListener("change", () => {
      open([...input.files]);
      input.value = ""; // the same file may be chosen again
    });
  }
  for (const button of document.getElementById("samples").querySelectorAll("button")) {
    button.addEventListener("click", async () => {
      const picture = button.querySelector("img");
      const blob = await (await fetch(picture.src)).blob();
      open([new File([blob], picture.src.split("/").pop(), { type: blob.type })]);
    });
  }
  document.addEventListener("paste", (event) => open([...event.clipboardData.files]));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    stage.classList.add("is-target");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) stage.classList.remove("is-target");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.classList.remove("is-target");
    open([...event.dataTransfer.files]);
  });
}
