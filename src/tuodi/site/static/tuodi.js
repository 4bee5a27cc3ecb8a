/* The few things that pages do by themselves: amounts read with thousands, parts are added up, dialogs, printing. */
"use strict";
(function () {
  const PARTS = ["inscp_scp_amt", "preselfpay_amt", "fulamt_ownpay_amt", "overlmt_selfpay"];

  /* Fen as whole numbers, never fractions of yuan; null if it is no amount. */
  function fen(text) {
    const plain = text.normalize("NFKC").replace(/[,\s¥]|元$/g, "");
    if (plain === "") return 0n;
    const match = /^(\d{1,13})(?:\.(\d{1,2}))?$/.exec(plain);
    return match ? BigInt(match[1]) * 100n + BigInt((match[2] || "").padEnd(2, "0")) : null;
  }

  function yuan(amount) {
    const digits = amount.toString().padStart(3, "0");
    return digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",") + "." + digits.slice(-2);
  }

  function addUp(form) {
    const note = document.getElementById("split-note");
    const total = fen(form.elements.medfee_sumamt.value);
    const parts = PARTS.map((name) => fen(form.elements[name].value));
    note.classList.remove("good", "bad");
    if (total === null || parts.includes(null)) {
      note.textContent = "有金额不是数字，请核对。";
      note.classList.add("bad");
      return;
    }
    const sum = parts.reduce((a, b) => a + b, 0n);
    if (total === 0n && sum === 0n) {
      note.textContent = "四项之和应等于医疗费总额。";
    } else if (sum === total) {
      note.textContent = "四项之和与医疗费总额一致：" + yuan(total) + " 元。";
      note.classList.add("good");
    } else {
      const more = sum > total;
      note.textContent = "四项之和 " + yuan(sum) + " 元，比总额" + (more ? "多 " : "少 ") + yuan(more ? sum - total : total - sum) + " 元。";
      note.classList.add("bad");
    }
  }

  /* What is wider than its place scrolls: an edge behind which more lies fades. */
  function fadeEdges(strip) {
    const fade = () => {
      strip.classList.toggle("before", strip.scrollLeft > 8);
      strip.classList.toggle("after", strip.scrollLeft < strip.scrollWidth - strip.clientWidth - 8);
    };
    strip.addEventListener("scroll", fade, { passive: true });
    new ResizeObserver(fade).observe(strip);
  }
  /* On a phone the doors are one line that scrolls: the one where one is comes into view. */
  function showDoors(doors) {
    const here = doors.querySelector("[aria-current]");
    if (here) doors.scrollLeft = here.offsetLeft - doors.offsetLeft - 72;
    fadeEdges(doors);
  }

  document.addEventListener("input", (event) => {
    const form = event.target.closest && event.target.closest("form[data-split]");
    if (form) addUp(form);
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("input.money")) return;
    const amount = fen(event.target.value);
    if (amount !== null && event.target.value.trim() !== "") event.target.value = yuan(amount);
  }, true);
  /* Enter goes to the next field of a bill instead of sending it: sending is asked for separately. What is folded away is passed over.
     After the last field comes the button that settles, there once the result is: leaving the field has it computed. */
  let isFilled = false;
  function toSettling() {
    const button = document.querySelector("#result [data-dialog]");
    if (isFilled && button) button.focus();
  }
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest && event.target.closest("form[data-split]");
    if (!form || event.key !== "Enter" || !event.target.matches("input, select")) return;
    event.preventDefault();
    const fields = [...form.querySelectorAll("input:not([type=hidden]), select")].filter((field) => !field.closest("details:not([open])"));
    const next = fields[fields.indexOf(event.target) + 1];
    if (next) next.focus();
    else event.target.blur();
    if (next && next.select) next.select();
    isFilled = !next;
    toSettling();
  });
  document.addEventListener("htmx:afterSettle", () => {
    toSettling();
    document.querySelectorAll("#result .picture").forEach(fadeEdges);
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.closest("form[data-split]")) isFilled = false;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-dialog], [data-close], [data-print]");
    if (!button) return;
    if (button.dataset.dialog) document.getElementById(button.dataset.dialog).showModal();
    else if ("close" in button.dataset) button.closest("dialog").close();
    else window.print();
  });
  /* Back leads to the page of a list that one came from: its filters, order and page are kept. */
  document.querySelectorAll("a[data-back]").forEach((link) => {
    const from = document.referrer ? new URL(document.referrer) : null;
    if (from && from.origin === location.origin && from.pathname === link.pathname) link.href = from.href;
  });
  /* What is missing or wrong the page says itself, all of it at once. Only a day that is typed half is told here: it would be sent as
     none, and none may mean "for good". */
  document.querySelectorAll("form").forEach((form) => { form.noValidate = true; });
  document.addEventListener("submit", (event) => {
    const half = [...event.target.elements].filter((field) => field.validity && field.validity.badInput);
    event.target.querySelectorAll(".wrong.half").forEach((note) => note.remove());
    half.forEach((field) => {
      const note = document.createElement("div");
      note.className = "wrong half";
      note.id = field.id + "_half";
      note.textContent = "日期没有填完整，请补全或清空。";
      field.insertAdjacentElement("afterend", note);
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", note.id);
    });
    if (!half.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.submitter && event.submitter.closest("dialog")) event.submitter.closest("dialog").close();
    half[0].focus();
  }, true);
  /* A button that settles or cancels is sent once. */
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || !("once" in button.dataset)) return;
    if (button.dataset.once === "sent") event.preventDefault();
    button.dataset.once = "sent";
    button.classList.add("sent");
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
  /* A bill that was sent back with its contents is computed at once. */
  document.addEventListener("DOMContentLoaded", () => {
    const doors = document.querySelector(".top nav");
    if (doors) showDoors(doors);
    document.querySelectorAll(".picture").forEach(fadeEdges);
    const wrong = document.querySelector("main [aria-invalid=true]");
    if (wrong) wrong.focus();
    const form = document.querySelector("form[data-split]");
    if (form) addUp(form);
    if (form && fen(form.elements.medfee_sumamt.value) && window.htmx) window.htmx.trigger(form, "try");
  });
})();
