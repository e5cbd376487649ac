// The logging form by keyboard: comboboxes, topics as chips, a timer, and a draft that is saved automatically.
// Without this script, the form works with plain lists, codes and check boxes, and a button saves the draft.
"use strict";

(() => {
  const form = document.querySelector("[data-log]");
  if (!form) return;
  const fill = (words, values) => words.replace(/%\((\w+)\)s/g, (_all, name) => values[name]);
  for (const each of document.querySelectorAll("[data-without-script]")) each.hidden = true;
  for (const each of document.querySelectorAll("[data-with-script]")) each.hidden = false;

  // --- Search: compares text as the server does ---------------------------------------------------

  const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, "")
    .replace(/[\u30a1-\u30f6]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
  const choices = (options) => [...options].map((option) => ({
    value: option.value,
    label: option.textContent,
    words: [plain(option.textContent), ...(option.dataset.keys || "").split(" ").filter(Boolean).map(plain)],
  }));
  const fit = (choice, key) => Math.min(...choice.words.map(
    (word) => (word === key ? 0 : word.startsWith(key) ? 1 : word.includes(key) ? 2 : 3)));
  const found = (among, typed) => {
    const key = plain(typed);
    if (!key) return among;
    return among.map((choice) => [fit(choice, key), choice]).filter(([how]) => how < 3)
      .sort(([one], [other]) => one - other).map(([, choice]) => choice);
  };

  // A combobox with a list (WAI-ARIA). Tab selects the marked option and moves on, Enter selects it and stays.
  const combobox = (input, among, { take, current, leave }) => {
    const list = document.createElement("ul");
    let shown = [], marked = -1;
    Object.assign(list, { id: `${input.id}_list`, className: "log-list", hidden: true });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", input.labels[0]?.firstChild.textContent.trim() || input.id);
    input.after(list);
    for (const [name, value] of Object.entries({
      role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
    })) input.setAttribute(name, value);

    const mark = (number) => {
      marked = number;
      [...list.children].forEach((each, place) => each.setAttribute("aria-selected", String(place === number)));
      if (number < 0) return input.removeAttribute("aria-activedescendant");
      input.setAttribute("aria-activedescendant", list.children[number].id);
      list.children[number].scrollIntoView({ block: "nearest" });
    };
    const open = (typed) => {
      shown = found(among(), typed);
      list.replaceChildren(...shown.map((choice, place) => {
        const item = document.createElement("li");
        Object.assign(item, { id: `${list.id}_${place}`, textContent: choice.label });
        item.setAttribute("role", "option");
        return item;
      }));
      list.hidden = !shown.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
      const here = typed ? 0 : shown.findIndex((choice) => choice.value === current?.());
      mark(shown.length ? Math.max(here, 0) : -1);
    };
    const close = () => {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      mark(-1);
    };
    const choose = () => {
      const choice = shown[marked];
      close();
      if (choice) take(choice);
    };

    input.addEventListener("input", () => open(input.value));
    input.addEventListener("click", () => open(""));
    input.addEventListener("blur", () => { close(); leave(); });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // keep the focus in the field
      marked = [...list.children].indexOf(event.target.closest("li"));
      choose();
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        if (list.hidden) open("");
        else mark((marked + step + shown.length) % shown.length);
      } else if (event.key === "Enter") {
        event.preventDefault(); // do not submit the form by mistake
        if (!list.hidden) choose();
      } else if (event.key === "Tab" && !list.hidden) choose();
      else if (event.key === "Escape" && !list.hidden) { close(); leave(); }
    });
  };

  for (const select of form.querySelectorAll("select[data-find]")) {
    const among = choices(select.options);
    const input = document.createElement("input");
    const label = () => select.selectedOptions[0]?.textContent || "";
    const same = () => { input.value = label(); };
    for (const name of ["aria-describedby", "aria-invalid"]) {
      if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
    }
    input.id = select.id;
    select.removeAttribute("id");
    select.hidden = true;
    select.before(input);
    combobox(input, () => among, {
      current: () => select.value,
      leave: same,
      take: (choice) => {
        select.value = choice.value;
        same();
        select.dispatchEvent(new Event("change", { bubbles: true }));
      },
    });
    input.addEventListener("focus", () => input.select());
    select.addEventListener("change", same);
    same();
  }

  // --- Topics: chips, of which the first is the main topic -----------------------------------------

  const topics = form.querySelector("[data-topics]");
  if (topics) {
    const template = form.querySelector("[data-topics-list]");
    const all = choices(template.content.children);
    const says = template.dataset;
    const chips = document.createElement("ul");
    const input = topics.cloneNode();
    const hasFocus = document.activeElement === topics;
    let chosen = [];
    chips.className = "log-chips";
    for (const name of ["name", "autofocus"]) input.removeAttribute(name);
    input.value = "";
    topics.type = "hidden";
    topics.removeAttribute("id");
    topics.before(chips, input);

    const write = () => {
      topics.value = [...chosen.map((choice) => choice.value), input.value.trim()].filter(Boolean).join(", ");
    };
    const draw = () => {
      chips.hidden = !chosen.length;
      chips.replaceChildren(...chosen.map((choice, place) => {
        const chip = document.createElement("li");
        const main = document.createElement("button");
        const away = document.createElement("button");
        chip.className = place ? "" : "main";
        Object.assign(main, { type: "button", textContent: choice.label });
        main.setAttribute("aria-label", fill(place ? says.first : says.main, { topic: choice.label }));
        main.addEventListener("click", () => change([choice, ...chosen.filter((each) => each !== choice)]));
        Object.assign(away, { type: "button", textContent: "×" });
        away.setAttribute("aria-label", fill(says.remove, { topic: choice.label }));
        away.addEventListener("click", () => { change(chosen.filter((each) => each !== choice)); input.focus(); });
        chip.append(main, away);
        return chip;
      }));
    };
    const change = (now) => {
      chosen = now;
      write();
      draw();
      form.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const take = (choice) => {
      input.value = "";
      change([...chosen.filter((each) => each !== choice), choice]);
    };
    combobox(input, () => all.filter((choice) => !chosen.includes(choice)), { take, leave: write });
    input.addEventListener("input", write);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Backspace" && !input.value && chosen.length) change(chosen.slice(0, -1));
    });
    // Turn ticked and typed codes into chips; leave other text in the field, to be corrected.
    const ticks = [...form.querySelectorAll("[name=ticked]:checked")];
    const before = [...topics.value.split(","), ...ticks.map((tick) => tick.value)].map((code) => code.trim());
    chosen = [...new Set(before)].map((code) => all.find((choice) => choice.value === code)).filter(Boolean);
    input.value = before.filter((code) => code && !all.some((choice) => choice.value === code)).join(", ");
    for (const tick of ticks) tick.checked = false;
    write();
    draw();
    // Wait until the browser has moved the focus, perhaps to a summary of errors.
    if (hasFocus) input.focus();
    else requestAnimationFrame(() => { if (document.activeElement === document.body) input.focus(); });
  }

  // --- Fields that depend on others ----------------------------------------------------------------

  const look = () => {
    for (const part of form.querySelectorAll("[data-only-if]")) {
      const [name, value] = part.dataset.onlyIf.split("=");
      part.hidden = form.elements[name].value !== value;
    }
    const late = form.querySelector("[data-late]");
    if (late) late.hidden = form.elements.day.value === late.closest("[data-today]").dataset.today;
  };
  form.addEventListener("input", look);
  form.addEventListener("change", look);
  look();

  let isBridgingTheirs = false;
  form.elements.language_support.addEventListener("change", (event) => { isBridgingTheirs ||= !event.usual; });
  form.elements.language.addEventListener("change", () => {
    if (isBridgingTheirs || !("spoken" in form.dataset)) return;
    const spoken = form.elements.language.value;
    const usual = form.dataset.spoken.split(" ").includes(spoken) ? "adviser"
      : spoken === form.dataset.city ? "none" : "three_way_phone";
    form.elements.language_support.value = usual;
    form.elements.language_support.dispatchEvent(Object.assign(new Event("change", { bubbles: true }), { usual: true }));
  });

  const save = form.querySelector(".save .button");
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    document.activeElement.blur(); // makes an open list discard incomplete text
    form.requestSubmit(save);
  });

  if (!form.dataset.keep) return;

  // --- The timer -----------------------------------------------------------------------------------

  const timer = document.querySelector("[data-timer]");
  const began = new Date(timer.dataset.timer);
  const tick = () => {
    const minutes = Math.max(1, Math.round((Date.now() - began) / 60000));
    timer.textContent = fill(timer.dataset.words, { minutes, time: timer.dataset.time });
  };
  tick();
  setInterval(tick, 10000);
  // The URL holds the form's key and start time, so that a reload continues the same form.
  history.replaceState(null, "", `${location.pathname}?draft=${form.elements.key.value}&at=${Math.floor(began / 1000)}`);

  // --- The draft: saved a second after typing stops, when a field loses focus, and when the page is hidden ------

  const told = form.querySelector("[data-kept]");
  const written = () => JSON.stringify([...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken"));
  const lost = (what) => {
    for (const alert of form.querySelectorAll("[data-lost]")) alert.hidden = alert.dataset.lost !== what;
  };
  let kept = written(), wait, line = Promise.resolve(true), isSent = false;

  const post = (options) => fetch(form.dataset.keep, {
    method: "POST", body: new FormData(form), headers: { "X-Draft": "1" }, redirect: "manual", ...options,
  });
  // The CSRF token changes if the user signs in again in another window.
  const renew = async () => {
    const answer = await fetch(location.pathname, { redirect: "manual" });
    if (!answer.ok) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector("[data-log] [name=csrfmiddlewaretoken]")?.value;
    if (token) for (const each of document.querySelectorAll("[name=csrfmiddlewaretoken]")) each.value = token;
    return Boolean(token);
  };
  const isSignedOut = (answer) => answer.type === "opaqueredirect" || answer.status === 403;
  const keepNow = async (isForced) => {
    const now = written();
    if (isSent || (now === kept && !isForced)) return true;
    try {
      let answer = await post();
      if (isSignedOut(answer) && (await renew())) answer = await post();
      if (isSignedOut(answer)) { lost("session"); return false; }
      if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
      kept = now;
      lost("");
      const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: form.dataset.zone };
      const time = new Date().toLocaleTimeString([], clock);
      told.textContent = fill(told.dataset.words, { time });
      return true;
    } catch {
      lost("line");
      later(5000);
      return false;
    }
  };
  // Save sequentially, so that an older draft never overwrites a newer one.
  const keep = (isForced = false) => (line = line.then(() => keepNow(isForced)));
  const later = (pause) => { clearTimeout(wait); wait = setTimeout(keep, pause); };

  form.addEventListener("input", () => later(1000));
  form.addEventListener("change", () => later(1000));
  form.addEventListener("focusout", () => later(0));
  addEventListener("focus", () => { if (!form.querySelector("[data-lost=session]").hidden) keep(); });
  addEventListener("pagehide", () => { if (!isSent && written() !== kept) post({ keepalive: true }); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) keep(); });
  form.addEventListener("submit", async (event) => {
    if (isSent) return;
    event.preventDefault();
    clearTimeout(wait);
    if (save.disabled || !(await keep(true))) return; // stay on the page, which says why
    isSent = true;
    form.requestSubmit(event.submitter || save);
    save.disabled = true;
  });
})();
