// Owns the chart of what each day has cost.

import { plotted } from "./plot.js";

const figure = document.getElementById("daily");
if (figure) {
  const days = JSON.parse(document.getElementById("daily-figures").textContent);
  // Without a price there are still tokens to look at.
  const values = days.amount.some((amount) => amount > 0) ? days.amount : days.tokens;
  const place = document.createElement("div");
  place.setAttribute("aria-hidden", "true");
  figure.append(place);
  let plot = null;
  const draw = () => {
    plot?.destroy();
    plot = plotted(place, days.day, [{ values, colour: "--series-1", filled: true }], date);
  };
  draw();
  addEventListener("resize", draw);
}

function date(seconds) {
  const shown = { month: "numeric", day: "numeric", timeZone: "UTC" };
  return new Date(1000 * seconds).toLocaleDateString(document.documentElement.lang, shown);
}
