// Copies a new token. If the browser allows no access to the clipboard (page without https), the
// token is selected and copied by the older document.execCommand.
document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const shown = document.querySelector("[data-token]");
    try {
        await navigator.clipboard.writeText(shown.textContent);
        button.textContent = button.dataset.copied;
    } catch {
        const range = document.createRange();
        range.selectNodeContents(shown);
        const chosen = window.getSelection();
        chosen.removeAllRanges();
        chosen.addRange(range);
        if (document.execCommand("copy")) button.textContent = button.dataset.copied;
    }
});
