// An image element that shows pictures of the service, one at a time.

export class PictureFrame {
  #image;
  #asked = new AbortController();
  #url = null;

  constructor(image) {
    this.#image = image;
  }

  // Shows what fetchBlob(signal) gives, unless another picture, or none, is asked for meanwhile.
  async show(fetchBlob) {
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
    if (before) URL.revokeObjectURL(before);
  }

  // Leaves what is shown, and gives up what is under way.
  giveUp() {
    this.#asked.abort();
  }

  clear() {
    this.giveUp();
    this.#image.hidden = true;
  }
}
