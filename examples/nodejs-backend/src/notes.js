/** The notes, in memory: swap this class for one on a database and the routes stay as they are. */
export class Notes {
  #notes = new Map();
  #lastId = 0;

  all() {
    return [...this.#notes.values()];
  }

  find(id) {
    return this.#notes.get(id);
  }

  add(text) {
    const note = { id: ++this.#lastId, text, created: new Date().toISOString() };
    this.#notes.set(note.id, note);
    return note;
  }

  remove(id) {
    return this.#notes.delete(id);
  }
}
