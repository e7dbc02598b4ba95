// Applies the chosen theme before the first paint. Not a module, because modules run after it.
(() => {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
})();
