// Jumps the player to an utterance or a frame on a click, and marks those at the current time.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const player = document.querySelector("[data-player]");
  if (!player) {
    return;
  }
  for (const button of document.querySelectorAll("[data-seek]")) {
    button.addEventListener("click", () => {
      player.currentTime = Number(button.dataset.seek);
      player.play();
    });
  }
  const lines = [...document.querySelectorAll("[data-start]")];
  const frames = [...document.querySelectorAll(".cf-frames [data-seek]")];
  player.addEventListener("timeupdate", () => {
    const now = player.currentTime;
    for (const line of lines) {
      const here = now >= Number(line.dataset.start) && now < Number(line.dataset.end);
      line.classList.toggle("cf-now", here && now > 0);
    }
    const passed = frames.filter((frame) => Number(frame.dataset.seek) <= now + 0.05);
    frames.forEach((frame) => frame.classList.toggle("cf-now", frame === passed.at(-1)));
  });
});
