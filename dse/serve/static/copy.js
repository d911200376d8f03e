// Buttons that copy a text: each names the element that shows it.

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const say = (text) => {
    button.textContent = text;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    getSelection().selectAllChildren(source);
    const selected = () => say("selected");
    if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(() => say("copied"), selected);
    else selected();
  });
}
