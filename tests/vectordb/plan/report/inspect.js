// What is wrong with the page, in sentences: overflow, contrast, headings, names, tables.
(() => {
  const wrong = [];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const named = (element) => `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""} "${element.textContent.trim().slice(0, 30)}"`;
  const parse = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    if (element instanceof SVGElement && !(element instanceof SVGSVGElement)) {
      const box = element.getBoundingClientRect();
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      const rects = [...element.closest("svg").querySelectorAll("rect")].filter((rect) => {
        const place = rect.getBoundingClientRect();
        return rect.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING
          && place.left <= x && x <= place.right && place.top <= y && y <= place.bottom;
      });
      if (rects.length) return parse(getComputedStyle(rects.at(-1)).fill);
      return behind(element.closest("svg"));
    }
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };

  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll("main *:not(svg *), header *, footer *")) {
    const box = element.getBoundingClientRect();
    if (shown(element) && box.width && !element.closest(".frame, .hidden, thead") && box.right > innerWidth + 1) wrong.push(`beyond the edge: ${named(element)}`);
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(element) || element.closest("script, style, title, desc, .hidden, .changes thead, .skip")) continue;
    const style = getComputedStyle(element);
    const text = light(parse(element instanceof SVGElement ? style.fill : style.color));
    const ground = light(behind(element));
    const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${named(element)}`);
    if (!(element instanceof SVGElement) && parseFloat(style.fontSize) < 11) wrong.push(`small: ${named(element)}`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) wrong.push(`heading out of order: ${named(heading)}`);
    level = own;
  }
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  for (const landmark of ["main", "header", "nav", "footer"]) if (!document.querySelector(landmark)) wrong.push(`no ${landmark}`);
  if (document.documentElement.lang !== "en") wrong.push("no language");
  for (const input of document.querySelectorAll("input")) if (!input.labels.length) wrong.push("an input without a label");
  for (const table of document.querySelectorAll("table")) {
    if (!table.getAttribute("aria-label")) wrong.push("a table without a name");
    for (const cell of table.querySelectorAll("th")) {
      if (!cell.scope) wrong.push(`no scope: ${named(cell)}`);
      if (!cell.textContent.trim()) wrong.push("an empty header");
    }
  }
  for (const svg of document.querySelectorAll("svg")) {
    const ids = svg.getAttribute("aria-labelledby").split(" ");
    if (svg.getAttribute("role") !== "img" || !ids.every((id) => document.getElementById(id)?.textContent)) wrong.push("a drawing without words");
    for (const text of svg.querySelectorAll("text")) {
      const [box, edge] = [text.getBBox(), svg.viewBox.baseVal];
      if (box.x < 0 || box.x + box.width > edge.width || box.y + box.height > edge.height) wrong.push(`outside the drawing: ${text.textContent}`);
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id twice");
  for (const link of document.querySelectorAll("a[href^='#']")) if (!document.getElementById(link.hash.slice(1))) wrong.push(`a dead link: ${link.hash}`);
  for (const scrolled of document.querySelectorAll(".frame")) if (scrolled.tabIndex !== 0) wrong.push("a scrolled part that the keyboard does not reach");
  return [...new Set(wrong)].slice(0, 20);
})()
