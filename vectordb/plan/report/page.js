(() => {
  const filter = document.querySelector(".filter");
  const input = filter.querySelector("input");
  const told = filter.querySelector("output");
  const bodies = [...document.querySelectorAll("table.rows tbody")];
  const rows = bodies.flatMap((body) =>
    [...body.rows].filter((row) => row.cells[0].scope !== "rowgroup").map((row) => [row, row.textContent.toLowerCase(), body]));
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = new Map(bodies.map((body) => [body, 0]));
    let count = 0;
    for (const [row, text, body] of rows) {
      const heading = body.rows[0].cells[0].scope === "rowgroup" ? body.rows[0].textContent.toLowerCase() : "";
      const fits = words.every((word) => text.includes(word) || heading.includes(word));
      row.hidden = !fits;
      if (fits) { count += 1; shown.set(body, shown.get(body) + 1); }
    }
    for (const [body, number] of shown) {
      body.hidden = number === 0;
      const details = body.closest("details");
      if (details && words.length) details.open = [...details.querySelectorAll("tbody")].some((one) => shown.get(one));
    }
    told.value = words.length ? `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows` : "";
  };
  let waiting = 0;
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 80); });
  filter.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
  filter.hidden = false;
})();
