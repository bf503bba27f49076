// A table that scrolls alone can be scrolled by keyboard too; one that fits is no extra tab stop.
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
const watch = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) sizes.observe(box);
};
new MutationObserver(watch).observe(document.body, { childList: true, subtree: true });
watch();
