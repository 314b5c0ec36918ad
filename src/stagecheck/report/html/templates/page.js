"use strict";
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const announce = document.getElementById("announce");
  const say = (text) => { announce.textContent = ""; requestAnimationFrame(() => { announce.textContent = text; }); };

  for (const control of all("[data-script]")) control.hidden = false;

  // What is filtered by grade is hidden by the style sheet; here families without anything left go, and numbers are told.
  const searches = new Map();
  const boxes = all(".filter input");
  const visible = (item) => item.getClientRects().length > 0;

  function settle(input) {
    const place = document.querySelector(input.dataset.find);
    const wanted = input.value.trim().toLowerCase();
    const items = all("[data-item]", place);
    for (const item of items) {
      if (!searches.has(item)) searches.set(item, item.textContent.toLowerCase());
      item.hidden = wanted !== "" && !searches.get(item).includes(wanted);
    }
    for (const family of all(".family", place)) family.hidden = false;
    for (const family of all(".family", place)) family.hidden = !all("[data-item]", family).some(visible);
    const left = items.filter((item) => !item.hidden && visible(item)).length;
    const told = document.getElementById(input.getAttribute("aria-describedby"));
    told.textContent = left === items.length ? "" : `${left} of ${items.length} shown`;
    if (place.id === "families") document.getElementById("nothing-found").hidden = left > 0;
  }

  const finders = all("[data-find]");
  for (const input of finders) input.addEventListener("input", () => settle(input));
  const settleRequirements = () => finders.filter((input) => input.dataset.find === "#families").forEach(settle);
  for (const box of boxes) box.addEventListener("change", settleRequirements);
  const kept = new Set(["show-pass", "show-not-tested", "show-not-offered", "show-open"]);
  for (const button of all("[data-show]")) {
    button.addEventListener("click", () => {
      for (const box of boxes) box.checked = button.dataset.show === "all" || !kept.has(box.id);
      settleRequirements();
    });
  }
  settleRequirements();

  const fold = (where, open) => { for (const one of all("details.violation", document.querySelector(where))) one.open = open; };
  for (const button of all("[data-open]")) button.addEventListener("click", () => fold(button.dataset.open, true));
  for (const button of all("[data-close]")) button.addEventListener("click", () => fold(button.dataset.close, false));

  // A link to a violation opens it, and one to a requirement shows it even where its grade is filtered out.
  function reveal() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target instanceof HTMLDetailsElement) target.open = true;
    if (target.matches("[data-item]") && !visible(target)) {
      for (const box of boxes) box.checked = true;
      for (const input of finders) { input.value = ""; settle(input); }
    }
    target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  reveal();

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "unseen";
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) throw new Error("copying is not allowed here");
    }
  }
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      try {
        await copy(button.parentElement.querySelector("code").textContent);
        button.textContent = "Copied";
        say("Copied");
      } catch {
        getSelection().selectAllChildren(button.parentElement.querySelector("code"));
        button.textContent = "Selected";
        say("Selected, to be copied by hand");
      }
      button.focus();
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }
})();
