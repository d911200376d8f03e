// Makes the form of a new exploration easier: it shows what belongs to what is chosen. Without this
// everything is there to be seen.
const form = document.getElementById("new");

function chosen(name) {
  const field = form.elements[name];
  return field?.value ?? "";
}

function update() {
  for (const element of form.querySelectorAll("[data-source]")) {
    element.hidden = element.dataset.source !== chosen("source");
  }
  for (const element of form.querySelectorAll("[data-tasks]")) {
    element.hidden = !element.dataset.tasks.split(" ").includes(chosen("task"));
    // What is of another task is not sent.
    for (const field of element.querySelectorAll("input")) field.disabled = element.hidden;
  }
}

function addSwitch(group) {
  const boxes = [...group.querySelectorAll("input[type=checkbox]")];
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "all or none";
  button.addEventListener("click", () => {
    const on = !boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = on;
  });
  group.querySelector("legend").append(" ", button);
}

if (form) {
  for (const group of form.querySelectorAll("[data-group]")) addSwitch(group);
  form.addEventListener("change", update);
  update();
}
document.documentElement.dataset.ready = "yes";
