// Filter, search, and opening what a link leads to. The page says everything without it, too.
(() => {
  const rows = [...document.querySelectorAll("#rows > .row")];
  const form = document.getElementById("controls");
  const search = document.getElementById("search");
  const fold = document.getElementById("fold");
  const found = document.getElementById("found");
  const texts = new Map();

  const text = (row) => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = form.elements.state.value;
    let count = 0;
    for (const row of rows) {
      const fits = (state === "all" || row.classList.contains(state)) && words.every((word) => text(row).includes(word));
      row.hidden = !fits;
      count += fits;
    }
    found.value = count === rows.length ? "" : `${count} of ${rows.length} shown`;
  };

  const reveal = () => {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row || !rows.includes(row)) return;
    if (row.hidden) {
      form.reset();
      show();
    }
    row.open = true;
    row.scrollIntoView();
    row.querySelector("summary").focus({ preventScroll: true });
  };

  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  fold.addEventListener("click", () => {
    const open = rows.some((row) => !row.hidden && !row.open);
    for (const row of rows) if (!row.hidden) row.open = open;
    fold.textContent = open ? "Close all" : "Open all";
  });
  addEventListener("hashchange", reveal);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      show();
    }
  });
  addEventListener("beforeprint", () => {
    for (const row of rows) if (row.classList.contains("failed")) row.open = true;
  });
  form.reset(); // a browser remembers what was chosen before the page was loaded anew
  reveal();
})();
