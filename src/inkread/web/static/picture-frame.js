// An image element that shows pictures of the service, one at a time.

const MAX_HEIGHT_REM = 24;

export class PictureFrame {
  #image;
  #asked = new AbortController();
  #url = null;

  constructor(image) {
    this.#image = image;
  }

  // Shows what fetchBlob(signal) gives, unless another picture, or none, is asked for meanwhile; the box
  // [left, top, right, bottom] in its pixels is marked, if there is one.
  async show(fetchBlob, box = null) {
    this.clear();
    this.#asked = new AbortController();
    const { signal } = this.#asked;
    let blob;
    try {
      blob = await fetchBlob(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (signal.aborted) return;
    const before = this.#url;
    this.#url = this.#image.src = URL.createObjectURL(blob);
    this.#image.hidden = false;
    if (box) {
      await this.#image.decode().catch(() => {});
      if (!signal.aborted) this.#mark(box);
    }
    if (before) URL.revokeObjectURL(before);
  }

  // Leaves what is shown, and gives up what is under way.
  giveUp() {
    this.#asked.abort();
  }

  clear() {
    this.giveUp();
    this.#image.hidden = true;
    const mark = this.#findMark();
    if (mark) mark.hidden = true;
  }

  #mark([left, top, right, bottom]) {
    const { naturalWidth: width, naturalHeight: height } = this.#image;
    const mark = this.#findMark();
    mark.parentElement.style.maxWidth = `${(MAX_HEIGHT_REM * width) / height}rem`;
    const sides = { left: left / width, top: top / height, width: (right - left) / width, height: (bottom - top) / height };
    for (const [side, share] of Object.entries(sides)) mark.style[side] = `${100 * share}%`;
    mark.hidden = false;
  }

  #findMark() {
    return this.#image.parentElement.querySelector(".mark");
  }
}
